//! Dates for a page that runs no script: UTC, in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
//! Low-Level Date Algorithms", `civil_from_days`).

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
/// The end of the year 9999, in milliseconds: nobody writes later, whatever a clock says.
const LAST: u64 = 253_402_300_799_999;

/// A moment, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since 1970-01-01.
    pub(super) day: u64,
    year: u64,
    month: u64,
    date: u64,
    hour: u64,
    minute: u64,
}

impl Moment {
    /// From milliseconds since 1970 UTC.
    pub(super) fn of(millis: u64) -> Self {
        let minutes = millis.min(LAST) / 60_000;
        let day = minutes / (24 * 60);
        let shifted = day + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            day,
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            date: of_year - (153 * from_march + 2) / 5 + 1,
            hour: minutes / 60 % 24,
            minute: minutes % 60,
        }
    }

    /// As a machine reads it (RFC 3339).
    pub(super) fn stamp(self) -> String {
        let Self { year, month, date, hour, minute, .. } = self;
        format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}Z")
    }

    /// `Monday, 23 November 2026`.
    pub(super) fn long_date(self) -> String {
        let weekday = WEEKDAYS[(self.day % 7) as usize];
        format!("{weekday}, {} {} {}", self.date, MONTHS[self.month as usize - 1], self.year)
    }

    /// `17:05`.
    pub(super) fn clock(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_where_the_calendar_has_them() {
        for (millis, stamp, long) in [
            (0, "1970-01-01T00:00Z", "Thursday, 1 January 1970"),
            (951_782_399_999, "2000-02-28T23:59Z", "Monday, 28 February 2000"),
            (951_782_400_000, "2000-02-29T00:00Z", "Tuesday, 29 February 2000"),
            (1_709_251_199_000, "2024-02-29T23:59Z", "Thursday, 29 February 2024"),
            (1_795_392_000_000, "2026-11-23T00:00Z", "Monday, 23 November 2026"),
            (4_107_542_400_000, "2100-03-01T00:00Z", "Monday, 1 March 2100"),
            (u64::MAX, "9999-12-31T23:59Z", "Friday, 31 December 9999"),
        ] {
            let moment = Moment::of(millis);
            assert_eq!((moment.stamp().as_str(), moment.long_date().as_str()), (stamp, long));
        }
        assert_eq!(Moment::of(1_795_392_000_000 + 61_500_000).clock(), "17:05");
    }
}
