-- What each country cost on each complete day, beside seven.io's prices of an SMS on that day. All money is EUR.
--
-- usage_eur is what seven.io charged, for all services. eur_per_sms is given only where nothing but SMS was used.
-- Prices are known for days on which a sync ran; there are none of earlier days. They are null for the others.
-- Which network each message went to is not known, hence the range from lowest_price to highest_price.
-- An empty country is what seven.io could not identify, and, with zeros, a day without usage.
WITH prices AS (
    SELECT
        date,
        country_code,
        -- Holds for networks that are not listed.
        max(CASE WHEN network_name = '' THEN price END) AS default_price,
        min(price) AS lowest_price,
        max(price) AS highest_price
    FROM pricing
    WHERE country_code <> ''
    GROUP BY date, country_code
)

SELECT
    spend.date,
    spend.country,
    spend.sms,
    spend.usage_eur,
    CASE
        WHEN spend.sms > 0 AND spend.rcs + spend.voice + spend.hlr + spend.mnp + spend.inbound = 0
            THEN CAST(spend.usage_eur / spend.sms AS DECIMAL(18, 4))
    END AS eur_per_sms,
    prices.default_price,
    prices.lowest_price,
    prices.highest_price
FROM analytics_by_country AS spend
LEFT JOIN prices ON spend.date = prices.date AND spend.country = prices.country_code
WHERE NOT spend.is_partial
ORDER BY spend.date, spend.country;
