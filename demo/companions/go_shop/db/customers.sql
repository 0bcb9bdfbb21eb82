-- Customers and orders to try the shop with.
INSERT INTO customers (name) VALUES ('Ada'), ('Grace'), ('Barbara');
INSERT INTO orders (customer_id, total_cents)
SELECT 1 + n % 3, 100 + n FROM generate_series(1, 2000) AS n;
