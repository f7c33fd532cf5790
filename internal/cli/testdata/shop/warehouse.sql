-- Three months, two sales a day in stores a and b; store b has no city.
CREATE TABLE sales AS
SELECT DATE '2024-01-01' + d::INTEGER AS day, store, (d + 1)::DECIMAL(10,2) AS amount
FROM range(91) AS days(d), (VALUES ('a'), ('b')) AS stores(store);
CREATE TABLE stores AS SELECT 'a' AS store, 'Ulm' AS city;
