import Auth
import Logging

/// Reads the keys of tokens again when their file changes or somebody asks for it.
struct TokenKeyWatch: Sendable {
    let ring: TokenKeyRing
    let hangups: Hangups
    let logger: Logger

    /// Until the task is cancelled.
    func run() async {
        var hangupsSeen = hangups.value
        var problemTold: TokenKeyError?
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            let asked = hangups.value
            await look(isForced: asked != hangupsSeen, &problemTold)
            hangupsSeen = asked
        }
    }

    /// - Parameter problemTold: what was wrong at the last look. The file is tried again all the time; the log hears of the
    ///   same thing once, or when somebody asked.
    func look(isForced: Bool, _ problemTold: inout TokenKeyError?) async {
        do throws(TokenKeyError) {
            guard try await ring.reload(isForced: isForced) else { return }
            problemTold = nil
            logger.notice("the keys of tokens were read again")
            Self.tell(ring.keys, logger)
        } catch {
            if isForced || problemTold != error {
                logger.error("the keys of tokens could not be read again, those from before stay: \(error)")
            }
            problemTold = error
        }
    }

    /// What kind of keys there are.
    static func tell(_ keys: TokenKeys, _ logger: Logger) {
        logger.info("tokens are verified with \(keys.summary)")
        guard let others = keys.othersPassedOver else { return }
        logger.warning("keys of the set are \(others)")
    }
}
