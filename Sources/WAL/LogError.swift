/// Everything that can go wrong with the log. The text says what happened, where, and what to do.
public enum LogError: Error, Equatable, Sendable {
    /// The log's limit of bytes waiting to be written is reached; nothing was appended. Try again shortly.
    case saturated(pendingBytes: Int, limitBytes: Int)
    /// A record larger than a batch can hold.
    case recordTooLarge(bytes: Int, limitBytes: Int)
    /// A write or a sync failed: nothing is acknowledged any more, what was pending has an unknown outcome.
    case poisoned(String)
    /// The log is closed.
    case closed
    /// The folder's content contradicts itself: `file`, byte `offset`, what was found, and the remedy.
    case corrupt(file: String, offset: Int, reason: String)
    /// Another process holds the folder.
    case locked(folder: String)
    /// The operating system refused an operation.
    case system(operation: String, path: String, errno: Int32)
    /// io_uring can't be used on this machine; the text names the setting to change.
    case ioUringUnavailable(String)
    /// Written by a version this program can't read.
    case unsupportedVersion(file: String, version: Int)
}
