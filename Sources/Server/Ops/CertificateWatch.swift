import Dispatch
import Glibc
import Logging
import Synchronization

/// Reads the server's certificate again when its files change or somebody asks for it, and says when its end is near.
struct CertificateWatch: Sendable {
    private static let warningSeconds: Int64 = 14 * 86_400
    private static let warningIntervalSeconds = 86_400

    let identity: TLSIdentity
    let hangups: Hangups
    let logger: Logger

    /// Until the task is cancelled.
    func run() async {
        var hangupsSeen = hangups.value
        var waitedSeconds = 0
        warnOfEnd()
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            waitedSeconds += 1
            let asked = hangups.value
            look(isForced: asked != hangupsSeen)
            hangupsSeen = asked
            if waitedSeconds % Self.warningIntervalSeconds == 0 { warnOfEnd() }
        }
    }

    private func look(isForced: Bool) {
        do throws(TLSFileError) {
            guard try identity.reload(isForced: isForced) else { return }
            let end = TLSFileError.text(identity.validUntil)
            logger.notice(
                "the certificate was read again, it is valid until \(end); connections that are open keep theirs"
            )
            warnOfEnd()
        } catch {
            logger.error("the certificate could not be read again, the one from before stays: \(error)")
        }
    }

    private func warnOfEnd() {
        let secondsLeft = identity.figures.certificateSecondsLeft
        guard secondsLeft < Self.warningSeconds else { return }
        let (file, end) = (identity.files.certificate, TLSFileError.text(identity.validUntil))
        if secondsLeft < 0 {
            logger.error("the certificate in \(file) was valid until \(end): clients refuse it; renew it")
        } else {
            logger.warning("the certificate in \(file) is valid until \(end) only; renew it")
        }
    }
}

/// SIGHUP, which asks a server to read its files again, counted instead of ending the process.
// Sound because the source is only kept.
final class Hangups: @unchecked Sendable {
    private let count = Atomic<Int>(0)
    private let source: any DispatchSourceSignal

    init() {
        signal(SIGHUP, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGHUP)
        source.setEventHandler { [weak self] in
            self?.count.add(1, ordering: .relaxed)
        }
        source.resume()
    }

    var value: Int { count.load(ordering: .relaxed) }
}
