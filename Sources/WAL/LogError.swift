import Glibc

/// Everything that can go wrong with the log. The text says what happened, where, and what to do.
public enum LogError: Error, Equatable, Sendable {
    /// The log's limit of bytes waiting to be written is reached; nothing was appended. Try again shortly.
    case saturated(pendingBytes: Int, limitBytes: Int)
    /// A record larger than a batch can hold; nothing was appended.
    case recordTooLarge(bytes: Int, limitBytes: Int)
    /// A write or a sync failed: nothing is acknowledged any more, what was pending has an unknown outcome.
    case poisoned(String)
    /// The log is closed, or not started yet.
    case closed
    /// The folder's content contradicts itself: `file`, byte `offset`, what was found, and the remedy.
    case corrupt(file: String, offset: Int, reason: String)
    /// A reader asked for a record that the log has let go of; `oldest` is the first that it still has.
    case gone(position: LogPosition, oldest: LogPosition)
    /// Another process holds the folder.
    case locked(folder: String)
    /// The operating system refused an operation.
    case system(operation: String, path: String, errno: Int32)
    /// A snapshot would not fit on the filesystem; nothing was written. The log goes on.
    case noRoomForSnapshot(folder: String, freeBytes: Int, neededBytes: Int)
    /// io_uring can't be used on this machine; the text names the setting to change.
    case ioUringUnavailable(String)
    /// Written by a program of a format `version` that this one can't read; `readerVersion` is the lowest that can.
    case unsupportedVersion(file: String, version: Int, readerVersion: Int)
    /// The caller broke a rule of the interface; nothing was changed.
    case misused(String)
}

extension LogError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .saturated(let pendingBytes, let limitBytes):
            "the log is saturated: \(pendingBytes) bytes wait to be written and the limit is \(limitBytes); "
                + "nothing was appended, try again shortly"
        case .recordTooLarge(let bytes, let limitBytes):
            "a record of \(bytes) bytes does not fit into a batch, which holds \(limitBytes) bytes; nothing was appended"
        case .poisoned(let cause):
            "the log stopped and acknowledges nothing more: \(cause). Whatever was waiting has an unknown outcome. "
                + "Repair the cause, then restart: recovery keeps everything that was acknowledged"
        case .closed:
            "the log is closed, or was not started"
        case .corrupt(let file, let offset, let reason):
            "\(file) is damaged at byte \(offset): \(reason). Nothing was changed. `holdfast verify` says what is "
                + "affected and which command repairs it, or restores a backup; do not delete it, acknowledged records are in it"
        case .gone(let position, let oldest):
            "the log no longer has record \(position), it begins with record \(oldest). Read on from there, and keep more "
                + "of it with --log-kept-mib"
        case .locked(let folder):
            "another process uses \(folder); nothing was changed. Stop it first, or choose another folder"
        case .system(let operation, let path, let errno):
            "\(operation) \(path): \(LogError.text(of: errno))\(LogError.advice(for: errno))"
        case .noRoomForSnapshot(let folder, let freeBytes, let neededBytes):
            "a snapshot needs about \(neededBytes) bytes and the filesystem of \(folder) has \(freeBytes) left. The "
                + "log is kept whole instead. Free space on this filesystem or move the folder to a larger one"
        case .ioUringUnavailable(let reason):
            "io_uring can't be used on this machine: \(reason)"
        case .unsupportedVersion(let file, let version, let readerVersion):
            "\(file) was written in format version \(version) and needs a program that reads format version "
                + "\(readerVersion); this one reads up to \(LogFormat.version). Nothing was changed. Start the newer "
                + "program on this folder, or this one on a backup that it can read"
        case .misused(let rule):
            "wrong use of the log: \(rule)"
        }
    }

    static func text(of errno: Int32) -> String {
        // strerror is not thread-safe in general; strerror_r with a buffer of our own is.
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(errno, &buffer, buffer.count) == 0 else { return "error \(errno)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func advice(for errno: Int32) -> String {
        switch errno {
        case ENOSPC, EDQUOT: ". Free space on this filesystem or move the folder to a larger one"
        case EIO: ". The disk failed: look into the kernel's log, and restore on a healthy disk"
        case EACCES, EPERM: ". The server's user needs read and write access to the folder"
        case EROFS: ". The filesystem is mounted read-only"
        case EMFILE, ENFILE: ". Raise the limit of open files"
        case ENOENT: ". Check the folder's path"
        default: ""
        }
    }
}
