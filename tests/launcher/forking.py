"""A program that forks while it has a launcher, as a pre-forking web server does. Its argument is the broker's URL.

Prints the ids that parent and children have launched, and whether the parent goes on over the connection that it had.
"""

from __future__ import annotations

import os
import sys
import threading

from bureaucrat.launcher import Launcher

BARE = '<process name="order"><action participant="charge"/></process>'


def in_child(launcher: Launcher) -> None:
    """What a child does, with the launcher that it was forked with."""
    launched = [launcher.launch(BARE) for _ in range(3)]
    status = launcher.status(launched[0])
    launcher.close()
    sys.stdout.write("".join(f"{id} {status.known}\n" for id in launched))
    sys.stdout.flush()


def main(url: str) -> None:
    launcher = Launcher({"url": url}, timeout=20)
    launched = [launcher.launch(BARE)]
    launcher.status(launched[0])
    publisher = launcher._links._mine().publisher
    ending = threading.Event()

    def go_on() -> None:
        while not ending.is_set():
            launched.append(launcher.launch(BARE))

    busy = threading.Thread(target=go_on)
    busy.start()
    children = []
    for _ in range(5):
        child = os.fork()
        if child == 0:
            in_child(launcher)
            os._exit(0)
        children.append(child)
    codes = [os.waitpid(child, 0)[1] for child in children]
    ending.set()
    busy.join()
    status = launcher.status(launched[-1])
    is_same = launcher._links._mine().publisher is publisher
    launcher.close()
    sys.stdout.write("".join(f"{id} {status.known}\n" for id in launched))
    sys.stdout.write(f"codes {codes} same {is_same}\n")


main(sys.argv[1])
