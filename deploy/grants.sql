-- The two accounts of the fee office and their privileges.  An administrator runs this before the first `bursar migrate`
-- and again after each one, any number of times; passwords are replaced:
--   mysql --user=root -p --init-command="SET @migration_password = '…', @office_password = '…'" < deploy/grants.sql
-- bursar_migration owns the schema and is for `bursar migrate`.  bursar serves: it can neither alter nor drop a table, and
-- what it wrote to an append-only table it can neither change nor delete.  Both must connect by TLS.
CREATE DATABASE IF NOT EXISTS bursar;
USE bursar;

SET @password = QUOTE(@migration_password);
SET @statement = CONCAT('CREATE USER IF NOT EXISTS bursar_migration IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
SET @statement = CONCAT('ALTER USER bursar_migration IDENTIFIED BY ', @password, ' REQUIRE SSL'); PREPARE statement FROM @statement; EXECUTE statement;
GRANT ALL ON bursar.* TO bursar_migration;

SET @password = QUOTE(@office_password);
SET @statement = CONCAT('CREATE USER IF NOT EXISTS bursar IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
SET @statement = CONCAT('ALTER USER bursar IDENTIFIED BY ', @password, ' REQUIRE SSL'); PREPARE statement FROM @statement; EXECUTE statement;
GRANT SELECT ON bursar.* TO bursar;

DROP PROCEDURE IF EXISTS grant_writes;
DELIMITER //
CREATE PROCEDURE grant_writes()
BEGIN
  DECLARE ended BOOLEAN DEFAULT FALSE;
  DECLARE name VARCHAR(64);
  DECLARE privileges VARCHAR(64);
  DECLARE served CURSOR FOR
    SELECT table_name, CASE
      WHEN table_name IN (
        'audit_records', 'audit_seals', 'delivery_attempts', 'delivery_findings', 'event_log', 'fee_schedules', 'ledger_transactions', 'postings', 'publications', 'receipt_restorations', 'receipt_voids', 'receipts', 'replays', 'submissions'
      ) THEN 'INSERT'
      WHEN table_name IN ('erasures', 'receipt_counters') THEN 'INSERT, UPDATE'  -- without its row, a student can come back, a number too
      ELSE 'INSERT, UPDATE, DELETE' END
    FROM information_schema.tables
    WHERE table_schema = 'bursar' AND table_name NOT IN ('alembic_version', 'migration_progress');
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET ended = TRUE;
  OPEN served;
  each_table: LOOP
    FETCH served INTO name, privileges;
    IF ended THEN LEAVE each_table; END IF;
    SET @statement = CONCAT('GRANT ', privileges, ' ON bursar.`', name, '` TO bursar');
    PREPARE statement FROM @statement;
    EXECUTE statement;
  END LOOP;
END //
DELIMITER ;
CALL grant_writes();
DROP PROCEDURE grant_writes;
-- Last, so that a serving office never lacks a privilege: an earlier release granted these for every table.
REVOKE IF EXISTS INSERT, UPDATE, DELETE ON bursar.* FROM bursar;
