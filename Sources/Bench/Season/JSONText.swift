#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON document, its numbers exact. What isn't there is null.
enum JSONText: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Decimal)
    case text(String)
    case list([JSONText])
    case object([String: JSONText])

    init(_ bytes: [UInt8]) throws { self = try JSONDecoder().decode(JSONText.self, from: Data(bytes)) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONText].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSONText].self))
        }
    }

    subscript(_ names: String...) -> JSONText {
        names.reduce(self) { value, name in
            if case .object(let members) = value { members[name] ?? .null } else { .null }
        }
    }

    var elements: [JSONText] { if case .list(let elements) = self { elements } else { [] } }

    var string: String? { if case .text(let text) = self { text } else { nil } }

    var decimal: Decimal? { if case .number(let number) = self { number } else { nil } }

    var integer: Int? { decimal.flatMap { Int("\($0)") } }
}
