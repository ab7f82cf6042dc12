import ArgumentParser
import Configuration

/// One setting of the server: what it is called in each place that it can come from, and what it may be.
///
/// From the name `snapshot-seconds` follow the option `--snapshot-seconds`, the environment variable
/// `HOLDFAST_SNAPSHOT_SECONDS` and the key `holdfast.snapshot.seconds` of the configuration file. The option's help, the
/// table in docs/CONFIGURATION.md, what is refused and what `serve --check` prints are all made of this value.
struct Setting: Sendable {
    enum Values: Equatable, Sendable {
        case text
        case choice([String])
        case number(ClosedRange<Int>)
        case decimal(ClosedRange<Double>)
        case flag
    }

    let name: String
    /// What the option is called where it isn't the setting's name.
    var optionName: String?
    let values: Values
    /// What a number counts, or what a text is: `s`, `MiB`, `path`.
    let unit: String
    /// The value where nobody gives one, as people read it; empty where there is none.
    let standard: String
    /// Of a number, where it is the same on every machine.
    let standardNumber: Int?
    /// A sentence.
    let meaning: String
    /// Not to be printed.
    let isSecret: Bool

    static func number(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ unit: String,
        default standard: Int,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            values: .number(range),
            unit: unit,
            standard: "\(standard)",
            standardNumber: standard,
            meaning: meaning,
            isSecret: false
        )
    }

    /// - Parameter standard: what decides the value where nobody gives one.
    static func number(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ unit: String,
        defaultIs standard: String,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            values: .number(range),
            unit: unit,
            standard: standard,
            standardNumber: nil,
            meaning: meaning,
            isSecret: false
        )
    }

    /// - Parameter option: what the option is called where it isn't `name`.
    static func text(
        _ name: String,
        _ unit: String,
        default standard: String = "",
        option: String? = nil,
        isSecret: Bool = false,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            optionName: option,
            values: .text,
            unit: unit,
            standard: standard,
            standardNumber: nil,
            meaning: meaning,
            isSecret: isSecret
        )
    }

    static func decimal(
        _ name: String,
        _ range: ClosedRange<Double>,
        _ unit: String,
        defaultIs standard: String,
        _ meaning: String
    ) -> Setting {
        Setting(
            name: name,
            values: .decimal(range),
            unit: unit,
            standard: standard,
            standardNumber: nil,
            meaning: meaning,
            isSecret: false
        )
    }

    /// Without a value it is off.
    static func flag(_ name: String, _ meaning: String) -> Setting {
        Setting(
            name: name,
            values: .flag,
            unit: "",
            standard: "false",
            standardNumber: nil,
            meaning: meaning,
            isSecret: false
        )
    }

    static func choice(_ name: String, _ values: [String], default standard: String, _ meaning: String) -> Setting {
        Setting(
            name: name,
            values: .choice(values),
            unit: "",
            standard: standard,
            standardNumber: nil,
            meaning: meaning,
            isSecret: false
        )
    }
}

extension Setting {
    static let environmentPrefix = "HOLDFAST_"
    static let filePrefix = "holdfast"

    var option: String { "--\(optionName ?? name)" }

    var environmentVariable: String {
        Self.environmentPrefix + name.uppercased().replacing("-", with: "_")
    }

    var key: ConfigKey { ConfigKey(fileKey) }

    var fileKey: String { "\(Self.filePrefix).\(name.replacing("-", with: "."))" }

    /// What it may be, as people read it; empty for a text.
    var range: String {
        switch values {
        case .text: ""
        case .choice(let choices): choices.joined(separator: ", ")
        case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range): "\(range.lowerBound) to \(range.upperBound)"
        case .flag: "true, false"
        }
    }

    /// What `--help` says of the option.
    var help: ArgumentHelp {
        var text = meaning
        switch values {
        case .text, .flag: break
        case .choice: text += " One of: \(range)."
        case .number, .decimal: text += " \([range, unit].filter { !$0.isEmpty }.joined(separator: " "))."
        }
        if !standard.isEmpty { text += " Default: \(standard)." }
        return ArgumentHelp("\(text) [\(environmentVariable)]", valueName: valueName)
    }

    private var valueName: String {
        switch values {
        case .choice: "choice"
        case .text, .flag: unit
        case .number, .decimal: unit.isEmpty ? "number" : unit
        }
    }
}
