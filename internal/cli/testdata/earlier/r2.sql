-- The warehouse after r2: written by a hindcast before plans had a format.
CREATE TABLE hindcast_lease("name" VARCHAR PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE hindcast_status(pipeline VARCHAR NOT NULL, "target" VARCHAR NOT NULL, slice VARCHAR NOT NULL, slice_start TIMESTAMP WITH TIME ZONE NOT NULL, slice_end TIMESTAMP WITH TIME ZONE NOT NULL, run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL, "rows" BIGINT NOT NULL, "content" VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL, committed_at TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE TABLE monthly("month" DATE, team VARCHAR, sales BIGINT, amount DECIMAL(18,4));
CREATE TABLE sales("day" DATE, team_id BIGINT, amount DECIMAL(12,2));
CREATE TABLE teams(team_id INTEGER, team VARCHAR);
INSERT INTO sales VALUES
  ('2024-01-01', '0', '0.00'),
  ('2024-01-04', '1', '1.25'),
  ('2024-01-07', '2', '2.50'),
  ('2024-01-10', '0', '3.75'),
  ('2024-01-13', '1', '5.00'),
  ('2024-01-16', '2', '6.25'),
  ('2024-01-19', '0', '7.50'),
  ('2024-01-22', '1', '8.75'),
  ('2024-01-25', '2', '10.00'),
  ('2024-01-28', '0', '11.25'),
  ('2024-01-31', '1', '12.50'),
  ('2024-02-03', '2', '13.75'),
  ('2024-02-06', '0', '15.00'),
  ('2024-02-09', '1', '16.25'),
  ('2024-02-12', '2', '17.50'),
  ('2024-02-15', '0', '18.75'),
  ('2024-02-18', '1', '20.00'),
  ('2024-02-21', '2', '21.25'),
  ('2024-02-24', '0', '22.50'),
  ('2024-02-27', '1', '23.75'),
  ('2024-03-01', '2', '25.00'),
  ('2024-03-04', '0', '26.25'),
  ('2024-03-07', '1', '27.50'),
  ('2024-03-10', '2', '28.75'),
  ('2024-03-13', '0', '30.00'),
  ('2024-03-16', '1', '31.25'),
  ('2024-03-19', '2', '32.50'),
  ('2024-03-22', '0', '33.75'),
  ('2024-03-25', '1', '35.00'),
  ('2024-03-28', '2', '36.25'),
  ('2024-03-31', '0', '37.50'),
  ('2024-04-03', '1', '38.75'),
  ('2024-04-06', '2', '40.00'),
  ('2024-04-09', '0', '41.25'),
  ('2024-04-12', '1', '42.50'),
  ('2024-04-15', '2', '43.75'),
  ('2024-04-18', '0', '45.00'),
  ('2024-04-21', '1', '46.25'),
  ('2024-04-24', '2', '47.50'),
  ('2024-04-27', '0', '48.75');
INSERT INTO teams VALUES
  ('0', 'blue'),
  ('1', 'green'),
  ('2', 'red');
INSERT INTO monthly VALUES
  ('2024-03-01', 'blue', '4', '140.2500'),
  ('2024-03-01', 'green', '3', '103.1250'),
  ('2024-03-01', 'red', '4', '134.7500'),
  ('2024-01-01', 'blue', '4', '27.0000'),
  ('2024-01-01', 'green', '4', '33.0000'),
  ('2024-01-01', 'red', '3', '22.5000'),
  ('2024-02-01', 'blue', '3', '67.5000'),
  ('2024-02-01', 'green', '3', '72.0000'),
  ('2024-02-01', 'red', '3', '63.0000'),
  ('2024-04-01', 'blue', '3', '162.0000'),
  ('2024-04-01', 'green', '3', '153.0000'),
  ('2024-04-01', 'red', '3', '157.5000');
INSERT INTO hindcast_lease VALUES
  ('target monthly', '7'),
  ('pipeline shop', '2');
INSERT INTO hindcast_status VALUES
  ('shop', 'monthly', '2024-03-01', '2024-03-01 00:00:00+00', '2024-04-01 00:00:00+00', 'r1', '1', '4193f2c7e846b086', '{"sql":"76e803cc9235c5a9","params":"1f0aa132237c66d4","definition":"0b4c9d48eb8e3eb3","facts":{"sales":"667ac308df9979b8"},"dimensions":{"teams":"3530929577097634812"}}', '3', '47804431677679502767', '{"amount":"378.1250","sales":"11"}', '', '2026-11-29 05:34:56.653211+00'),
  ('shop', 'monthly', '2024-01-01', '2024-01-01 00:00:00+00', '2024-02-01 00:00:00+00', 'r2', '1', '0dfe7883639001da', '{"sql":"76e803cc9235c5a9","params":"93830a3254eee578","definition":"5868df6ff0ec783a","facts":{"sales":"a4e409800776917f"},"dimensions":{"teams":"3530929577097634812"}}', '3', '20387529446841446388', '{"amount":"82.5000","sales":"11"}', '_hindcast/shop/runs/r2/previous/2024-01-01/f2-a1', '2026-11-29 05:35:19.41767+00'),
  ('shop', 'monthly', '2024-02-01', '2024-02-01 00:00:00+00', '2024-03-01 00:00:00+00', 'r2', '1', '6bb769fb196ca734', '{"sql":"76e803cc9235c5a9","params":"93830a3254eee578","definition":"66edf64ddfa53c94","facts":{"sales":"a9e6f228d8c2c0af"},"dimensions":{"teams":"3530929577097634812"}}', '3', '26696962797481625547', '{"amount":"202.5000","sales":"9"}', '_hindcast/shop/runs/r2/previous/2024-02-01/f2-a1', '2026-11-29 05:35:19.478275+00'),
  ('shop', 'monthly', '2024-04-01', '2024-04-01 00:00:00+00', '2024-05-01 00:00:00+00', 'r2', '1', 'e3604258edfa5564', '{"sql":"76e803cc9235c5a9","params":"93830a3254eee578","definition":"c2f89048c026e7b0","facts":{"sales":"cb76e007fe90cb00"},"dimensions":{"teams":"3530929577097634812"}}', '3', '13612214703029439915', '{"amount":"472.5000","sales":"9"}', '_hindcast/shop/runs/r2/previous/2024-04-01/f2-a1', '2026-11-29 05:35:19.542518+00');
