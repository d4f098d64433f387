-- What applications call within their own transactions: rolled back, it has never been. Whoever may use the schema and
-- execute them needs no right on a table. A row of the mailbox is written, and the daemons are woken when it is committed.

-- A row's number is milliseconds, then 22 bits that tell a daemon's rows by their maker. These count through all of them.
CREATE SEQUENCE left_numbers AS integer MINVALUE 0 MAXVALUE 4194303 CYCLE;

-- A row of the mailbox; where its number is taken already, the next.
CREATE FUNCTION bureaucrat_leave(instance text, message text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bureaucrat, pg_temp
AS $$
DECLARE
    at double precision := extract(epoch FROM clock_timestamp());
BEGIN
    LOOP
        INSERT INTO mailbox (number, instance, message, at, held)
        VALUES ((floor(at * 1000)::bigint << 22) | nextval('left_numbers'), instance, message, at, false)
        ON CONFLICT (number) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    PERFORM pg_notify('bureaucrat_mail', '');
END $$;

-- An error unless it is a name or an id.
CREATE FUNCTION bureaucrat_check(what text, given text, most integer) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = bureaucrat, pg_temp
AS $$
BEGIN
    IF given IS NULL OR given = '' OR octet_length(given) > most OR given ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION '% is %', what, coalesce(quote_literal(left(given, 100)), 'missing')
            USING ERRCODE = 'invalid_parameter_value', HINT = format('give 1 to %s bytes without control characters', most);
    END IF;
END $$;

-- An error unless it is an object of a size that may travel.
CREATE FUNCTION bureaucrat_check_object(what text, given jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = bureaucrat, pg_temp
AS $$
BEGIN
    IF given IS NULL OR jsonb_typeof(given) <> 'object' THEN
        RAISE EXCEPTION '% are %', what, coalesce('a JSON ' || jsonb_typeof(given), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'give a JSON object, such as {"order_id": 1017}';
    END IF;
    IF octet_length(given::text) > 8388608 THEN
        RAISE EXCEPTION '% have % bytes', what, octet_length(given::text)
            USING ERRCODE = 'program_limit_exceeded', HINT = '8 MiB are allowed; keep what is large elsewhere, and its name here';
    END IF;
END $$;

-- Start a process that is registered. The instance has the id; the same id twice starts it once. Returns the id.
CREATE FUNCTION bureaucrat_launch(process text, fields jsonb DEFAULT '{}', id text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bureaucrat, pg_temp
AS $$
DECLARE
    instance text := coalesce(id, lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || right(replace(gen_random_uuid()::text, '-', ''), 20));
BEGIN
    PERFORM bureaucrat_check('the name of the process', process, 255);
    PERFORM bureaucrat_check_object('the fields', fields);
    IF instance !~ '^[A-Za-z0-9.-]{1,64}$' THEN
        RAISE EXCEPTION 'the id is %', quote_literal(left(instance, 100))
            USING ERRCODE = 'invalid_parameter_value', HINT = 'give 1 to 64 letters, digits, dots and dashes, or none';
    END IF;
    IF NOT EXISTS (SELECT FROM versions WHERE name = split_part(process, '@', 1) AND NOT retired) THEN
        RAISE EXCEPTION 'no process named % is registered', quote_literal(split_part(process, '@', 1))
            USING ERRCODE = 'no_data_found', HINT = 'register it: bureaucrat deploy FILE.xml';
    END IF;
    PERFORM bureaucrat_leave(instance, jsonb_build_array('Begin',
        jsonb_build_object('process', process, 'fields', fields))::text);
    RETURN instance;
END $$;

-- Report an event to whoever waits for it. The same id twice is accepted once. Returns the id; NULL if none was given.
CREATE FUNCTION bureaucrat_event(name text, body jsonb DEFAULT '{}', id text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bureaucrat, pg_temp
AS $$
BEGIN
    PERFORM bureaucrat_check('the name of the event', name, 255);
    PERFORM bureaucrat_check_object('its body''s properties', body);
    IF id IS NOT NULL THEN
        PERFORM bureaucrat_check('the id of the event', id, 255);
    END IF;
    PERFORM bureaucrat_leave('', jsonb_build_array('Report',
        jsonb_build_object('name', name, 'body', body, 'id', coalesce(id, '')))::text);
    RETURN id;
END $$;

REVOKE ALL ON FUNCTION bureaucrat_leave(text, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION bureaucrat_launch(text, jsonb, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION bureaucrat_event(text, jsonb, text) FROM PUBLIC;
