import Testing

@testable import Server

@Suite struct TimestampTests {
    private func parse(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { Timestamp.parse($0) }
    }

    private func format(_ milliseconds: Int64) -> String {
        var writer = ByteWriter()
        Timestamp.append(epochMilliseconds: milliseconds, to: &writer)
        return writer.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_000_000_000_123, "2001-09-09T01:46:40.123Z"), (2_147_483_648_000, "2038-01-19T03:14:08.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)]
    )
    func knownMoments(given: (Int64, String)) {
        #expect(format(given.0) == given.1)
        #expect(parse(given.1) == given.0)
    }

    @Test func timesBeyondAllYearsAreShownAsTheNearest() {
        #expect(format(.max) == "9999-12-31T23:59:59.999Z")
        #expect(format(.min) == "1970-01-01T00:00:00.000Z")
    }

    @Test(
        arguments: [
            ("2026-11-21T08:00:00Z", 1_795_248_000_000), ("2026-11-21T10:00:00+02:00", 1_795_248_000_000),
            ("2026-11-21T02:30:00-05:30", 1_795_248_000_000), ("2026-11-21T08:00:00-00:00", 1_795_248_000_000),
            ("2026-11-21T08:00:00.5Z", 1_795_248_000_500), ("2026-11-21T08:00:00.123456789Z", 1_795_248_000_123),
            ("2026-11-21T08:00:00.9999+00:00", 1_795_248_000_999), ("1969-12-31T23:00:00-01:00", 0),
        ] as [(String, Int64)]
    )
    func otherWaysToWriteThem(given: (String, Int64)) {
        #expect(parse(given.0) == given.1)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T08:00:00", "2026-11-21 08:00:00Z", "2026-11-21t08:00:00Z", "2026-11-21T08:00:00z",
        "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+01", "2026-01-01T00:00:00ZZ", "2026-1-01T00:00:00Z0", "+026-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-01T00:00:00.5",
    ])
    func whatIsNoTimestamp(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func everyDayOfEightCenturiesIsOneAfterTheLast() throws {
        var day = try #require(CivilDate(year: 1970, month: 1, day: 1))
        for number in 0..<Int64(800 * 365) {
            #expect(day.daysSinceEpoch == number)
            guard CivilDate(daysSinceEpoch: number) == day else {
                Issue.record("day \(number) is not \(day)")
                return
            }
            let next =
                CivilDate(year: day.year, month: day.month, day: day.day + 1)
                ?? CivilDate(year: day.year, month: day.month + 1, day: 1)
                ?? CivilDate(year: day.year + 1, month: 1, day: 1)
            day = try #require(next)
        }
    }
}
