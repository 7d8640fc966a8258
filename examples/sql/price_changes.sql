-- The networks whose price changed between two days, and those that came or went. Prices are EUR for one SMS.
--
-- Both must be days on which a sync ran. As it stands: the first and the last of them.
WITH days AS (
    SELECT min(date) AS old_day, max(date) AS new_day
    FROM pricing
),

before AS (
    SELECT country_code, mcc, network_name, price
    FROM pricing
    WHERE date = (SELECT old_day FROM days)
),

later AS (
    SELECT country_code, mcc, network_name, price
    FROM pricing
    WHERE date = (SELECT new_day FROM days)
)

SELECT
    coalesce(later.country_code, before.country_code) AS country_code,
    coalesce(later.mcc, before.mcc) AS mcc,
    -- Empty: the country's default row.
    coalesce(later.network_name, before.network_name) AS network_name,
    before.price AS old_price,
    later.price AS new_price,
    CAST(100 * (later.price / nullif(before.price, 0) - 1) AS DECIMAL(18, 2)) AS percent,
    CASE
        WHEN before.country_code IS NULL THEN 'came'
        WHEN later.country_code IS NULL THEN 'went'
        WHEN later.price > before.price THEN 'rose'
        WHEN later.price < before.price THEN 'fell'
        ELSE 'changed'
    END AS change
FROM before
FULL JOIN later
    ON before.country_code = later.country_code
    AND before.mcc = later.mcc
    AND before.network_name = later.network_name
WHERE before.price IS DISTINCT FROM later.price
ORDER BY 1, 2, 3;
