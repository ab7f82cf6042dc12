/// Numbers as people read them: `12,345.6`.
enum Decimals {
    static func text(_ value: Double, digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = UInt64((abs(value) * scale).rounded())
        let whole = grouped(scaled / UInt64(scale))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + whole }
        let fraction = String(scaled % UInt64(scale))
        return sign + whole + "." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    static func text(_ value: UInt64) -> String { grouped(value) }

    /// As many digits after the point as the size of the number makes worth reading.
    static func text(_ value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return text(value, digits: 0) }
        let size = abs(value)
        return text(value, digits: size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3)
    }

    private static func grouped(_ value: UInt64) -> String {
        var digits = Array(String(value))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return String(digits)
    }
}
