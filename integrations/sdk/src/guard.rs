//! One guard for every source: deadline, retry, concurrency, budget, breaker.
