-- The two accounts of the fee office. An administrator runs this, any number of times; passwords are replaced:
--   mysql --user=root -p --init-command="SET @migration_password = '…', @office_password = '…'" < deploy/grants.sql
-- bursar_migration owns the schema and is for `bursar migrate`; bursar serves, and can neither alter nor drop a table.
CREATE DATABASE IF NOT EXISTS bursar;

SET @password = QUOTE(@migration_password);
SET @statement = CONCAT('CREATE USER IF NOT EXISTS bursar_migration IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
SET @statement = CONCAT('ALTER USER bursar_migration IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
GRANT ALL ON bursar.* TO bursar_migration;

SET @password = QUOTE(@office_password);
SET @statement = CONCAT('CREATE USER IF NOT EXISTS bursar IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
SET @statement = CONCAT('ALTER USER bursar IDENTIFIED BY ', @password); PREPARE statement FROM @statement; EXECUTE statement;
GRANT SELECT, INSERT, UPDATE, DELETE ON bursar.* TO bursar;
