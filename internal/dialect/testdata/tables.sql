-- The tables that all cases may read. A case that changes one works on a copy of its own.

CREATE TABLE ints (id integer, s smallint, i integer, b bigint);
INSERT INTO ints VALUES
  (1, 1, 1, 1),
  (2, -1, -1, -1),
  (3, 0, 0, 0),
  (4, NULL, NULL, NULL),
  (5, 32767, 2147483647, 9223372036854775807),
  (6, -32768, -2147483648, -9223372036854775808),
  (7, 7, 7, 7),
  (8, 7, 7, 7);

CREATE TABLE decs (id integer, p numeric(5,2), q numeric(18,6), w numeric(38,10));
INSERT INTO decs VALUES
  (1, 1.00, 1.000000, 1),
  (2, -1.50, -1.500000, -1.5),
  (3, 2.50, 2.500000, 2.5),
  (4, NULL, NULL, NULL),
  (5, 999.99, 999999999999.999999, 9999999999999999999999999999.9999999999),
  (6, -999.99, -999999999999.999999, -9999999999999999999999999999.9999999999),
  (7, 0.00, 0.000000, 0),
  (8, 0.05, 0.000001, 0.0000000001),
  (9, 2.50, 1.005000, 2.675);

CREATE TABLE floats (id integer, r real, d double precision);
INSERT INTO floats VALUES
  (1, 1.5, 1.5),
  (2, -1.5, -1.5),
  (3, 2.5, 2.5),
  (4, NULL, NULL),
  (5, 0, 0),
  (6, '-0', '-0'),
  (7, 'NaN', 'NaN'),
  (8, 'Infinity', 'Infinity'),
  (9, '-Infinity', '-Infinity'),
  (10, 0.1, 0.1),
  (11, 3e38, 1e308),
  (12, 1e-37, 1e-307);

CREATE TABLE strs (id integer, c char(5), v varchar(10), t text);
INSERT INTO strs VALUES
  (1, 'abc', 'abc', 'abc'),
  (2, 'ABC', 'ABC', 'ABC'),
  (3, '', '', ''),
  (4, NULL, NULL, NULL),
  (5, 'a_c', 'a_c', 'a_c'),
  (6, 'a%c', 'a%c', 'a%c'),
  (7, 'x y z', 'x y z', 'x y z'),
  (8, '12', ' 12 ', '12'),
  (9, 'O''N', 'O''Neil', 'O''Neil'),
  (10, 'a\c', 'a\c', 'a\c');

-- Blanks at the end, which types and dialects treat differently.
CREATE TABLE blanks (id integer, c char(5), v varchar(10));
INSERT INTO blanks VALUES
  (1, 'k', 'k'),
  (2, 'k ', 'k '),
  (3, 'k', 'k  '),
  (4, '', ''),
  (5, ' ', ' '),
  (6, ' k', ' k'),
  (7, NULL, NULL);

CREATE TABLE days (id integer, d date, ts timestamp, tz timestamptz);
INSERT INTO days VALUES
  (1, '2024-02-29', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012+00'),
  (2, '2023-12-31', '2023-12-31 23:59:59.999999', '2023-12-31 23:59:59.999999+00'),
  (3, '2024-01-01', '2024-01-01 00:00:00', '2024-01-01 00:00:00+00'),
  (4, NULL, NULL, NULL),
  (5, '1969-12-31', '1969-12-31 23:59:59', '1969-12-31 23:59:59+00'),
  (6, '1900-01-01', '1900-01-01 00:00:00.000001', '1900-01-01 00:00:00.000001+00'),
  (7, '9999-12-31', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999+00'),
  (8, '2024-11-03', '2024-11-03 01:30:00', '2024-11-03 05:30:00+00'),
  (9, '2024-11-03', '2024-11-03 01:30:00', '2024-11-03 06:30:00+00'),
  (10, '2024-03-31', '2024-03-31 02:30:00', '2024-03-31 02:30:00+00');

CREATE TABLE flags (id integer, f boolean, g boolean);
INSERT INTO flags VALUES
  (1, true, true), (2, true, false), (3, true, NULL),
  (4, false, true), (5, false, false), (6, false, NULL),
  (7, NULL, true), (8, NULL, false), (9, NULL, NULL);

CREATE TABLE people (id integer, name varchar(10), boss integer, dept integer, pay numeric(8,2), hired date);
INSERT INTO people VALUES
  (1, 'Ada', NULL, 10, 900.00, '2020-01-31'),
  (2, 'Bob', 1, 10, 500.50, '2021-02-28'),
  (3, 'Cid', 1, 20, 500.50, '2021-02-28'),
  (4, 'Dee', 2, 20, NULL, '2022-12-31'),
  (5, 'Eve', 2, NULL, 300.25, NULL),
  (6, 'Fay', 9, 30, 0.00, '2024-02-29');

CREATE TABLE depts (dept integer, title varchar(12), city char(6));
INSERT INTO depts VALUES
  (10, 'Sales', 'Rome'),
  (20, 'Tools', 'Oslo'),
  (40, 'Legal', NULL),
  (NULL, 'Ghost', 'Oslo');

CREATE TABLE sales (id integer, region varchar(5), k integer, amount numeric(8,2), qty integer, d date);
INSERT INTO sales VALUES
  (1, 'east', 1, 10.00, 3, '2024-01-01'),
  (2, 'east', 2, 20.50, NULL, '2024-01-02'),
  (3, 'east', 2, NULL, 4, '2024-01-02'),
  (4, 'west', 1, 5.25, 2, '2024-01-31'),
  (5, 'west', 1, 5.25, 2, '2024-01-31'),
  (6, 'west', 3, -7.75, 0, '2024-02-29'),
  (7, NULL, 1, 1.00, 1, '2024-03-31'),
  (8, NULL, NULL, 2.00, -1, NULL),
  (9, 'north', 5, NULL, NULL, '2024-12-31');

-- Texts that are JSON, or nearly.
CREATE TABLE docs (id integer, j varchar(200));
INSERT INTO docs VALUES
  (1, '{"a":1,"b":"x","c":{"d":[1,2,{"e":"deep"}]},"n":null,"t":true}'),
  (2, '{ "a" : 2.50, "b" : "\u00e9\n\"q\" \/ \ud83d\ude00", "c" : { } }'),
  (3, '[10, "eleven", null, [1,2], {"k":"v"}, -7]'),
  (4, NULL),
  (5, ''),
  (6, '{"a":1,"b":2,"a":3}'),
  (7, '{"a":1,}'),
  (8, 'not json'),
  (9, '{}'),
  (10, '[]'),
  (11, '{"a":12345678901234567890,"b":1e3,"c":-0,"d":19.99,"e":"0","z.y":"dot","z/y":"slash","":"empty","A":"capital","~1":"tilde","*":"star","7":"seven"}'),
  (12, '{"list": [{"sku": "a1", "qty": 2}, {"sku": "b2", "qty": 3.5}], "inner": "{\"x\": \"y\"}", "p": "NaN, ] }"}'),
  (13, '{"a":NaN}'),
  (14, '[1,2,]'),
  (15, '7'),
  (16, '{"a":"x\u0000"}'),
  (17, '{"a":[1,{"b":[]}],"c":0,"d":-12,"e":0.5,"f":false,"g":""}');

CREATE TABLE nothing (id integer, v varchar(5), n numeric(8,2), d date);
