import Engine
import Loop
import NIOSSL
import Synchronization

/// What the server's connections are encrypted as: its certificate and key, read again when their files change.
/// Connections keep what they began with.
final class TLSIdentity: Sendable {
    /// Both files as they were when they were looked at.
    private struct Versions: Equatable {
        var certificate: FileVersion?
        var key: FileVersion?
    }

    private struct Reading {
        /// Those that were read last, whatever came of it.
        var tried: Versions
        /// Those of the last look.
        var seen: Versions
    }

    let files: TLSFiles
    private let current: Mutex<TLSCertificate>
    private let reading: Mutex<Reading>
    private let handshakes = Atomic<UInt64>(0)
    private let failures = Atomic<UInt64>(0)

    /// - Throws: what is wrong with the files.
    init(_ files: TLSFiles) throws(TLSFileError) {
        self.files = files
        // Looked at before they are read: a change in between is seen.
        let found = Self.versions(of: files)
        current = Mutex(try TLSCertificate(files, now: Self.now))
        reading = Mutex(Reading(tried: found, seen: found))
    }

    /// For the next connection.
    var context: NIOSSLContext { current.withLock { $0.context } }

    /// Seconds since 1970.
    var validUntil: Int64 { current.withLock { $0.validUntil } }

    func countHandshake() { handshakes.add(1, ordering: .relaxed) }
    func countFailure() { failures.add(1, ordering: .relaxed) }

    /// Reads the files again if they are others by now. They are written one after the other, so they are left alone until
    /// two looks in a row find them the same.
    /// - Parameter isForced: reads them at once, changed or not.
    /// - Returns: whether there is a new certificate.
    /// - Throws: what is wrong with them; what was there before stays, until they change once more.
    func reload(isForced: Bool = false) throws(TLSFileError) -> Bool {
        let found = Self.versions(of: files)
        let isDue = reading.withLock { reading in
            let isSettled = reading.seen == found
            reading.seen = found
            guard isForced || (isSettled && reading.tried != found) else { return false }
            reading.tried = found
            return true
        }
        guard isDue else { return false }
        let certificate = try TLSCertificate(files, now: Self.now)
        current.withLock { $0 = certificate }
        return true
    }

    private static var now: Int64 { Engine.systemClock() / 1_000 }

    private static func versions(of files: TLSFiles) -> Versions {
        Versions(certificate: FileVersion(files.certificate), key: FileVersion(files.key))
    }
}

extension TLSIdentity: ConnectionSecurity {
    func onLoop(_ eventLoop: RingLoop) -> any LoopSecurity { TLSHandshakes(eventLoop, self) }

    var figures: SecurityFigures {
        SecurityFigures(
            handshakes: handshakes.load(ordering: .relaxed),
            failures: failures.load(ordering: .relaxed),
            certificateSecondsLeft: validUntil - Self.now
        )
    }
}
