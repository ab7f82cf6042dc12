import Glibc

enum Logarithm {
    static func ten(_ value: Double) -> Double { log10(value) }
    static func powerOfTen(_ exponent: Int) -> Double { pow(10, Double(exponent)) }
}
