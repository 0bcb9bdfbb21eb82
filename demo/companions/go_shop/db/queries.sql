-- name: RecentOrders :many
SELECT orders.id, orders.total_cents, customers.name AS customer
FROM orders
JOIN customers ON customers.id = orders.customer_id
ORDER BY orders.id DESC
LIMIT @most;

-- name: Order :one
SELECT orders.id, orders.total_cents, orders.note, orders.created_at, customers.name AS customer
FROM orders
JOIN customers ON customers.id = orders.customer_id
WHERE orders.id = @id;

-- name: PlaceOrder :one
INSERT INTO orders (customer_id, total_cents, note)
VALUES (@customer_id, @total_cents, @note)
RETURNING id;
