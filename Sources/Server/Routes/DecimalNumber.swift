import Engine

/// A number as the client wrote it, exactly: money whose currency isn't known yet.
struct DecimalNumber: Equatable, Sendable {
    /// No currency has more.
    static let fractionDigitsMax = 4

    /// The digits without their point: 5000 for `50.00`.
    let digits: Int64
    /// How many of them stand behind the point, 0 to 4.
    let fractionDigits: Int

    init(digits: Int64, fractionDigits: Int) {
        self.digits = digits
        self.fractionDigits = fractionDigits
    }

    init(_ json: inout JSONReader) throws(JSONError) {
        try json.expect(.number)
        let start = json.position
        let written = try json.scanNumber().fraction.count
        json.position = start
        fractionDigits = min(written, Self.fractionDigitsMax)
        digits = try json.readDecimal(fractionDigitsMax: fractionDigits)
    }

    /// Why a number isn't an amount of a currency.
    enum Failure: Error, Equatable {
        case tooManyDigits(max: Int)
        case outOfRange

        var message: String {
            switch self {
            case .tooManyDigits(let max):
                max == 0 ? "must have no decimal places" : "must have at most \(max) decimal places"
            case .outOfRange: "must be 0 to \(InventoryLimits.priceMax) minor units of the currency"
            }
        }
    }

    /// The amount in minor units of a currency with `minorDigits` digits behind its point, 0 to `maximum`.
    func minorUnits(
        minorDigits: Int,
        maximum: Int64 = InventoryLimits.priceMax
    ) throws(Failure) -> Int64 {
        guard fractionDigits <= minorDigits else { throw .tooManyDigits(max: minorDigits) }
        var amount = digits
        for _ in fractionDigits..<minorDigits {
            let (product, overflows) = amount.multipliedReportingOverflow(by: 10)
            guard !overflows else { throw .outOfRange }
            amount = product
        }
        guard (0...maximum).contains(amount) else { throw .outOfRange }
        return amount
    }
}
