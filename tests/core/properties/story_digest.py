"""Plays some random stories and prints a digest of all that came of them. Run by a test, in processes of its own."""

import hashlib
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[4]))
sys.path.insert(0, str(Path(__file__).parents[1]))

from bureaucrat.testing import Simulation
from properties import checks, generator


def story(seed: int) -> str:
    """One definition, answered and moved on at random."""
    random = Random(seed)
    simulation = Simulation(generator.definition(random))
    simulation.launch(generator.fields(random))
    for _ in range(10):
        if simulation.sent and random.randrange(2):
            sent = simulation.sent
            simulation.answer_attempt(sent[random.randrange(len(sent))], generator.answer(random))
        elif random.randrange(2):
            simulation.event(generator.EVENTS[random.randrange(2)], **generator.fields(random))
        else:
            simulation.advance(random.randrange(1, 50))
    return repr((simulation.trace, checks.dump(simulation)))


digest = hashlib.sha256()
for number in range(40):
    digest.update(story(number).encode())
print(digest.hexdigest())
