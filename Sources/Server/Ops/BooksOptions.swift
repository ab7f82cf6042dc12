import ArgumentParser
import Logging
import Postgres

/// The options of the books in Postgres.
struct BooksOptions: ParsableArguments {
    @Option(help: Setting.postgresURL.help) var postgres: String?
    @Option(help: Setting.flushInterval.help) var flushInterval: Double?
    @Option(help: Setting.flushRecords.help) var flushRecords: Int?
    @Flag(help: Setting.postgresMigrate.help) var postgresMigrate = false
    @Flag(help: "Write over the books of another log, or of another history of this one. They are gone then.")
    var postgresReplace = false
}

extension Setting {
    /// What is written over is not to be decided by a variable that somebody has forgotten: `--postgres-replace` is an
    /// option only.
    static let books: [Setting] = [.postgresURL, .flushInterval, .flushRecords, .postgresMigrate]

    static let postgresURL = Setting.text(
        "postgres-url",
        "url",
        option: "postgres",
        isSecret: true,
        "The Postgres database of the sale's books, as libpq knows it: postgresql://user@host/name?sslmode=verify-full."
    )
    static let flushInterval = Setting.decimal(
        "flush-interval",
        0.01...3_600,
        "s",
        defaultIs: "1",
        "Time from one flush of the books to the next."
    )
    static let flushRecords = Setting.number(
        "flush-records",
        1...10_000_000,
        "records",
        default: 50_000,
        "Records of the log after which the books are flushed at once, and that one flush brings at most."
    )
    static let postgresMigrate = Setting.flag(
        "postgres-migrate",
        "Brings the books' schema to this version at the start."
    )
}

extension PostgresBooks.Options {
    /// Nil where no books are asked for.
    /// - Throws: `ConfigurationError` for a URL that libpq doesn't understand, and for settings of books without any.
    init?(_ options: BooksOptions, _ reader: inout SettingsReader) async throws {
        let url = try await reader.text(.postgresURL, options.postgres)
        let interval = try await reader.decimal(.flushInterval, options.flushInterval) ?? 1
        let records = try await reader.number(.flushRecords, options.flushRecords)!
        let migrates = try await reader.flag(.postgresMigrate, options.postgresMigrate ? true : nil)
        guard let url, !url.isEmpty else {
            for setting in [Setting.flushInterval, .flushRecords, .postgresMigrate] where reader.isGiven(setting) {
                throw ConfigurationError(
                    "\(reader.place(of: setting)) is set, but there are no books: give --postgres, too"
                )
            }
            guard !options.postgresReplace else {
                throw ConfigurationError("--postgres-replace is given, but there are no books: give --postgres, too")
            }
            return nil
        }
        self.init(url: url)
        flushIntervalMilliseconds = Int(interval * 1_000)
        flushRecords = records
        self.migrates = migrates
        replaces = options.postgresReplace
        do throws(PostgresError) { try PostgresBooks.check(url: url) } catch {
            throw ConfigurationError("\(reader.place(of: .postgresURL)): \(error)")
        }
    }
}

extension PostgresBooks.Notice {
    func tell(_ logger: Logger) {
        switch self {
        case .migrated(let names, let warning):
            logger.notice("the books' schema was migrated: \(names.joined(separator: ", "))")
            if let warning { logger.warning("\(warning)") }
        case .connected(let position): logger.info("the books in Postgres are followed from position \(position) on")
        case .resynchronized(let position):
            logger.warning("the books were written anew from the state, as of position \(position): the log is shorter")
        case .setBack(let from, let to):
            logger.warning(
                """
                the database has forgotten the books from position \(to) to \(from), as an older backup has, or a standby; they \
                are written again
                """
            )
        case .failed(let reason): logger.error("the books can't be written, the sale goes on: \(reason)")
        }
    }
}
