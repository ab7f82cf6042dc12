import Postgres
import WAL

extension ServeCheck {
    /// The sale doesn't wait for its books, so a start would succeed; but nobody asks for books that can't be written.
    mutating func checkBooks(_ settings: Settings) {
        guard let options = settings.books else { return }
        do throws(PostgresError) {
            note("books", try PostgresBooks.check(options, log: Self.log(in: settings.data)))
        } catch {
            fail("books", "\(error)", isFatal: false)
        }
    }

    private static func log(in folder: String) -> PostgresBooks.FollowedLog {
        do throws(LogError) {
            let examination = try LogExamination(folder: folder, device: SynchronousDevice())
            return examination.identity.map { .existing(identity: $0) } ?? .new
        } catch LogError.locked {
            return .notToBeRead
        } catch {
            return .new
        }
    }
}
