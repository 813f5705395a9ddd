"""A client's pace: so many bytes in each window, and all of them in time."""

from openstoq.web.pace import Pace


def slow_at(pace, *moves):
    """Return when a client becomes too slow that moves so many bytes at these times."""
    for now, size in moves:
        pace.add(size)
        if pace.is_too_slow(now):
            return now
    return None


def pace():
    counted = Pace(least_bytes=100, window_seconds=10, seconds=60)
    counted.begin(1000)
    return counted


def test_enough_in_every_window_is_fast_enough():
    assert slow_at(pace(), *((1000 + second, 11) for second in range(1, 60))) is None


def test_a_few_bytes_now_and_then_are_not():
    assert slow_at(pace(), *((1000 + second, 1) for second in range(1, 60))) == 1011


def test_what_came_before_does_not_count_in_the_next_window():
    assert slow_at(pace(), (1011, 10**9), (1020, 1), (1022, 1)) == 1022


def test_all_of_it_has_a_time():
    assert slow_at(pace(), *((1000 + second, 10**6) for second in range(1, 99))) == 1061


def test_time_in_which_we_waited_is_left_out():
    suspended = pace()
    suspended.suspend(5000)
    assert slow_at(suspended, (5005, 1), (5009, 100), (5011, 0), (5020, 0), (5022, 0)) == 5022
