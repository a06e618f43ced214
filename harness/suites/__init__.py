"""What is asked: finding suites, building requests, rehearsing and scoring them."""
