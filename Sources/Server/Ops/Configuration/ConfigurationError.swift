/// Why the settings can't be used. The text names the setting, where its value came from, and what would do.
struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    /// The exit status for it: EX_CONFIG of sysexits.h, so that a service manager doesn't try again.
    static let exitCode: Int32 = 78

    let description: String

    init(_ description: String) { self.description = description }
}
