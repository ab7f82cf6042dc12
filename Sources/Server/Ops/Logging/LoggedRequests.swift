/// Which requests get a line in the log.
enum LoggedRequests: String, CaseIterable, Sendable {
    /// Those that were refused or failed: with a status from 400 on.
    case errors
    case all
    case none
}
