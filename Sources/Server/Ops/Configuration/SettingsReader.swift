import Configuration
import SystemPackage

/// Finds the value of each setting: the option of the command line, else the environment variable, else the
/// configuration file, else the default. Remembers what it found, and where.
struct SettingsReader {
    enum Origin: Equatable, Sendable {
        case option, environment
        case file(String)
        case standard
    }

    /// A setting as it is used.
    struct Effective: Sendable {
        let setting: Setting
        /// Nil where there is no value.
        let value: String?
        let origin: Origin
    }

    /// Environment and file, without the command line.
    let config: ConfigReader
    private let environment: ConfigReader
    private let file: (path: String, reader: ConfigReader, kinds: [String: JSONKind])?
    private(set) var effective: [Effective] = []

    /// - Parameters:
    ///   - config: the option `--config`.
    ///   - variables: of the environment.
    /// - Throws: `ConfigurationError` for a variable or a key that means nothing, and for a file that can't be read.
    init(config: String?, variables: [String: String]) async throws {
        try Self.refuseUnknown(variables: variables)
        let environmentProvider = EnvironmentVariablesProvider(environmentVariables: variables)
        environment = ConfigReader(provider: environmentProvider)
        let path = config ?? variables[Setting.config.environmentVariable]
        effective.append(
            Effective(
                setting: .config,
                value: path,
                origin: config != nil ? .option : path != nil ? .environment : .standard
            )
        )
        guard let path else {
            file = nil
            self.config = environment
            return
        }
        let found = try ConfigurationFile(path)
        try Self.refuseUnknown(found.entries, of: path)
        do {
            let provider = try await FileProvider<JSONSnapshot>(filePath: FilePath(path))
            let kinds = Dictionary(found.entries.map { ($0.key, $0.kind) }) { $1 }
            file = (path, ConfigReader(provider: provider), kinds)
            self.config = ConfigReader(providers: [environmentProvider, provider])
        } catch {
            throw ConfigurationError("The configuration file \(path) can't be used: \(error)")
        }
    }

    // MARK: - Values

    /// The value of a number, within its range.
    /// - Parameter option: what the command line says.
    /// - Returns: nil where nobody gives one and its default depends on something.
    mutating func number(_ setting: Setting, _ option: Int?) async throws -> Int? {
        guard case .number(let range) = setting.values else { preconditionFailure("\(setting.name) is no number") }
        let (value, origin) = try await find(setting, option) { reader in try await reader.fetchInt(forKey: setting.key)
        }
        if let value, !range.contains(value) {
            throw ConfigurationError(
                "\(Self.place(of: setting, origin)) is \(value); it must be \(setting.range) \(setting.unit)"
                    .trimmingBlanks
            )
        }
        note(setting, value.map { "\($0)" }, origin)
        return value ?? setting.standardNumber
    }

    /// The value of a number that may have a fraction, within its range; nil where nobody gives one.
    mutating func decimal(_ setting: Setting, _ option: Double?) async throws -> Double? {
        guard case .decimal(let range) = setting.values else { preconditionFailure("\(setting.name) is no decimal") }
        let (value, origin) = try await find(setting, option) { reader in
            try await reader.fetchDouble(forKey: setting.key)
        }
        if let value, !range.contains(value) {
            throw ConfigurationError(
                "\(Self.place(of: setting, origin)) is \(value); it must be \(setting.range) \(setting.unit)"
                    .trimmingBlanks
            )
        }
        note(setting, value.map { "\($0)" }, origin)
        return value
    }

    /// Whether a flag is set.
    mutating func flag(_ setting: Setting, _ option: Bool?) async throws -> Bool {
        let (value, origin) = try await find(setting, option) { reader in
            try await reader.fetchBool(forKey: setting.key)
        }
        note(setting, value.map { "\($0)" }, origin)
        return value ?? false
    }

    /// The value of a text or a choice; nil where nobody gives one and it has no default.
    mutating func text(_ setting: Setting, _ option: String?) async throws -> String? {
        let (value, origin) = try await find(setting, option) { reader in
            try await reader.fetchString(forKey: setting.key)
        }
        if let value {
            let place = Self.place(of: setting, origin)
            guard !value.isEmpty else {
                throw ConfigurationError("\(place) is empty; give it a value, or leave it out")
            }
            if case .choice(let choices) = setting.values, !choices.contains(value) {
                throw ConfigurationError("\(place) is \(value.debugDescription); it must be one of: \(setting.range)")
            }
        }
        note(setting, value, origin)
        return value ?? (setting.standard.isEmpty ? nil : setting.standard)
    }

    /// Whether anybody gave the setting a value.
    func isGiven(_ setting: Setting) -> Bool {
        effective.contains { $0.setting.name == setting.name && $0.value != nil && $0.origin != .standard }
    }

    /// Where the setting's value was given, for a message about it: `HOLDFAST_PORT`.
    func place(of setting: Setting) -> String {
        let origin = effective.last { $0.setting.name == setting.name }?.origin ?? .standard
        return Self.place(of: setting, origin)
    }

    private mutating func note(_ setting: Setting, _ value: String?, _ origin: Origin) {
        let shown = value ?? (setting.standard.isEmpty ? nil : setting.standard)
        effective.append(Effective(setting: setting, value: shown, origin: origin))
    }

    private func find<Value>(
        _ setting: Setting,
        _ option: Value?,
        _ fetch: (ConfigReader) async throws -> Value?
    ) async throws -> (Value?, Origin) {
        if let option { return (option, .option) }
        do {
            if let value = try await fetch(environment) { return (value, .environment) }
        } catch {
            throw ConfigurationError("\(Self.place(of: setting, .environment)) is not \(Self.kind(of: setting))")
        }
        guard let file else { return (nil, .standard) }
        do {
            // `true` would pass for 1, and 1 for `true`.
            let kind = file.kinds[setting.fileKey]
            let isOfItsKind = (kind == .boolean) == (setting.values == .flag)
            if isOfItsKind, let value = try await fetch(file.reader) { return (value, .file(file.path)) }
            if kind == nil { return (nil, .standard) }
        } catch {}
        throw ConfigurationError("\(Self.place(of: setting, .file(file.path))) is not \(Self.kind(of: setting))")
    }

    private static func kind(of setting: Setting) -> String {
        switch setting.values {
        case .number: "a whole number"
        case .decimal: "a number"
        case .flag: "true or false"
        case .text, .choice: "a text"
        }
    }

    private static func place(of setting: Setting, _ origin: Origin) -> String {
        switch origin {
        case .option: setting.option
        case .environment: setting.environmentVariable
        case .file(let path): "\(setting.fileKey) in \(path)"
        case .standard: "\(setting.option) (its default)"
        }
    }
}

// MARK: - What nobody knows

extension SettingsReader {
    private static func refuseUnknown(variables: [String: String]) throws {
        let known = Setting.all.map(\.environmentVariable)
        for name in variables.keys.sorted() where name.hasPrefix(Setting.environmentPrefix) && !known.contains(name) {
            var text = "The environment has \(name), which is no setting" + suggestion(for: name, among: known)
            // Kubernetes gives every container such variables for every service of its namespace.
            if name.hasPrefix("HOLDFAST_SERVICE_") || name.hasPrefix("HOLDFAST_PORT_") {
                text += ". For a Kubernetes service named holdfast: set enableServiceLinks to false"
            }
            throw ConfigurationError(text)
        }
    }

    private static func refuseUnknown(_ entries: [ConfigurationFile.Entry], of file: String) throws {
        let known = Setting.all.map(\.fileKey).filter { $0 != Setting.config.fileKey }
        for entry in entries where !known.contains(entry.key) {
            // A group of settings with none in it.
            if entry.kind == .object, known.contains(where: { $0.hasPrefix(entry.key + ".") }) { continue }
            throw ConfigurationError(
                "\(file) has \(entry.key), which is no setting" + suggestion(for: entry.key, among: known)
            )
        }
    }

    /// The nearest name, where one is near.
    private static func suggestion(for name: String, among known: [String]) -> String {
        let nearest = known.map { (name: $0, distance: distance(name, $0)) }.min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= 3 else { return "" }
        return "; did you mean \(nearest.name)?"
    }

    /// How many characters have to be put in, taken out or changed.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8.prefix(100)), Array(right.utf8))
        var row = Array(0...right.count)
        for (line, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in right.indices {
                let changed = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
