import Engine

/// What a limit's refusal is about, for programs: the members that stand beside the sentence. Kept in place, without the heap.
struct ProblemNumbers: Sendable {
    enum Value: Sendable {
        case count(Int64)
        case time(Milliseconds)
        /// Minor units.
        case money(Int64, fractionDigits: Int)
    }

    private var members = InlineArray<3, (name: StaticString, value: Value)>(repeating: ("", .count(0)))
    private(set) var count = 0

    /// The same with a member more; there may be three.
    func with(_ name: StaticString, _ value: UInt32) -> ProblemNumbers { with(name, .count(Int64(value))) }

    func with(_ name: StaticString, _ value: UInt64) -> ProblemNumbers { with(name, .count(Int64(clamping: value))) }

    func with(_ name: StaticString, _ minorUnits: Int64, in currency: ShortText) -> ProblemNumbers {
        with(name, .money(minorUnits, fractionDigits: Currency.minorDigits(of: currency)))
    }

    func with(_ name: StaticString, at time: Milliseconds) -> ProblemNumbers { with(name, .time(time)) }

    private func with(_ name: StaticString, _ value: Value) -> ProblemNumbers {
        var more = self
        more.members[count] = (name, value)
        more.count += 1
        return more
    }

    func visit(_ body: (StaticString, Value) -> Void) {
        for index in 0..<count { body(members[index].name, members[index].value) }
    }
}

extension ProblemNumbers {
    /// Those of a limit that the sale has; none for other refusals, whose sentence says it all.
    ///
    /// A kind of refusal that has none today gets a number of its own on disk when it gets some (`Rejection.Earlier`): kept
    /// answers stay the same bytes.
    init(_ rejection: Rejection, of event: some EventConstants) {
        switch rejection {
        case .belowMinimumPurchase(_, let asked, let minimum):
            self = Self().with("asked", asked).with("minimum", minimum)
        case .aboveMaximumPurchase(_, let asked, let maximum):
            self = Self().with("asked", asked).with("maximum", maximum)
        case .overOrderLimit(_, let asked, let limit), .tooManyRows(let asked, let limit),
            .tooManySeats(let asked, let limit):
            self = Self().with("asked", asked).with("limit", limit)
        case .overCustomerLimit(_, let asked, let held, let limit):
            self = Self().with("asked", asked).with("held", held).with("limit", limit)
        case .tooManyOpenHolds(let held, let limit), .customerReservationLimit(let held, let limit):
            self = Self().with("held", held).with("limit", limit)
        case .holdTimeOutOfRange(let asked, let maximum):
            self = Self().with("asked_seconds", asked).with("maximum_seconds", maximum)
        case .totalBelowCommitted(let asked, let committed):
            self = Self().with("asked", asked).with("committed", committed)
        case .salesNotStarted(let start): self = Self().with("sales_start_at", at: start)
        case .salesEnded(let end): self = Self().with("sales_end_at", at: end)
        case .soldOut(_, let asked, let available, let buffer):
            self = Self().with("asked", asked).with("available", available).with("buffer", buffer)
        case .amountMismatch(let given, let total):
            self = Self().with("amount", given, in: event.currency).with("total", total, in: event.currency)
        case .eventHasSales(let sold, let reserved): self = Self().with("sold", sold).with("reserved", reserved)
        case .cancelledWithSales(let sold): self = Self().with("sold", sold)
        case .overVenueMaximum(let asked, let others, let maximum):
            self = Self().with("asked", asked).with("others", others).with("maximum", maximum)
        case .scheduleEnded(_, let end): self = Self().with("ended_at", at: end)
        case .restockOfCheckedIn(let index, let count): self = Self().with("index", index).with("checked_in", count)
        default: self = Self()
        }
    }
}

extension ByteWriter {
    mutating func numbers(_ numbers: ProblemNumbers) {
        numbers.visit { name, value in
            switch value {
            case .count(let count): field(name, count)
            case .money(let amount, let digits): field(name, minorUnits: amount, fractionDigits: digits)
            case .time(let time):
                field(name, epochMilliseconds: max(0, min(time, Timestamp.epochMillisecondsMax)))
            }
        }
    }
}
