-- When seven.io's balance runs out, if each day costs what the last 7 complete days did on average.
--
-- days_averaged is below 7 if days are missing: the young history of a new connection, or days that failed.
-- It fits connections that read all usage that this balance pays for: no label, and no single subaccount.
-- Top-ups to come and the rest of the running day are not in it. No spend, or more than ten years left: no date.
WITH latest AS (
    SELECT date, amount, currency
    FROM balance
    ORDER BY date DESC
    LIMIT 1
),

spend AS (
    SELECT count(*) AS days_averaged, avg(analytics.usage_eur) AS eur_a_day
    FROM analytics
    CROSS JOIN latest
    WHERE NOT analytics.is_partial AND analytics.date >= latest.date - 7 AND analytics.date < latest.date
),

forecast AS (
    SELECT *, greatest(floor(amount / nullif(eur_a_day, 0)), 0) AS days_left
    FROM latest
    CROSS JOIN spend
    WHERE currency = 'EUR'
)

SELECT
    date AS balance_of,
    amount AS balance_eur,
    days_averaged,
    CAST(eur_a_day AS DECIMAL(18, 4)) AS eur_a_day,
    CAST(days_left AS BIGINT) AS days_left,
    CASE WHEN days_left <= 3650 THEN date + CAST(days_left AS INTEGER) END AS runs_out_on
FROM forecast;
