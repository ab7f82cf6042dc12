import Postgres

// How the books stand, for `/ready`. What is in the way is told in the server's log only: it may name hosts.

extension PostgresBooks.Standing {
    var json: String {
        #"{"connected":\#(isConnected),"position":\#(position),"lag_records":\#(lagRecords),"lag_seconds":\#(lag)}"#
    }

    private var lag: Double { (lagSeconds * 1_000).rounded() / 1_000 }
}
