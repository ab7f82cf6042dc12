/// Made for the tests, and in use nowhere else.
enum SampleKeys {
    static let ellipticPrivate = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNtGkybe9pgMxaB9M
        bmiuOimaqfuWshm3RvcaZHHokTihRANCAAT65tM7Vv9uc7cvBrJdMBOVWvaqq6WI
        GfF3GU8DNmRghw76/jvHpimGQ0r9nqeMRp2RmJJb8yjLf0S81yXFAnhx
        -----END PRIVATE KEY-----
        """

    static let ellipticPublic = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+ubTO1b/bnO3LwayXTATlVr2qqul
        iBnxdxlPAzZkYIcO+v47x6YphkNK/Z6njEadkZiSW/Moy39EvNclxQJ4cQ==
        -----END PUBLIC KEY-----
        """

    static let rsaPrivate = """
        -----BEGIN PRIVATE KEY-----
        MIIEugIBADANBgkqhkiG9w0BAQEFAASCBKQwggSgAgEAAoIBAQC303tBdRyOXt3J
        idpye5RC+364Dbh7Y/HXkti0BmsyhjgbFE17yd+u1OO/s54x4cG+2AE5E3ZJwsNa
        XsaqtE1YlSJcfxdXbGAMZiPFDM6COZYylw7vFgqY5DVCEJRv2rt5NY1SgxOCbx16
        F6h7SxAvub0epmj2ti/ki1jqJP6V9+lVhHo/IY5Xx2+OG62RSdhTE3xLDFe39oxZ
        3HyA2HgbybmPyAVhhipgPkq+1wZ7NlleTUbOT8xyf29I9puQGIvC1ZboRHggvn59
        3v59UM0KJvMzPSWCJ947Qjm3kZXPiuc/uiWX4BPMt9dl7mIlcQLAOzrGXV23knvV
        Hl7ElQa3AgMBAAECgf8Dj9a9Xg3ul0be/fsfubMEXPTXqksExbIHH2PoCQPnx1w0
        Ni2G+7Qsa/YLZXujttvCumtYk/16IZjcYZopaBBKoSxFj1iH/3sLnZZxrq9wQzip
        fW+ulg/UU3C2I7WdqzlIU7Bc67nwl8UACjY7Rf4B6VBO3U8/+ScSeJP+Ene7Wv7z
        dvU2Y2/JA5MsdwgyTXVbvwrGuG9ZO7EhAraM0mRt1MUPmuqxvBef+7UKI3N03HO6
        CbQMQLIAiI6papGE5XyeaxyDM7Nc7BqpDuVtzGuZgWYXki/CreQEVjEFIryohUf6
        pS9Kq2iw6QuhLc8E4Y81kBOsQHNZAqZ9mBoLnmkCgYEA6IFqi3rkqFEgfLL690SI
        LSsldx4vXNJjZ5IwjVBHKKPcGZlfZbp3EXxVwV+i1gheoj2YxQQx8UdU4rREPb43
        JO02gPEQB+hoxSKwD+H3n34PMnRGZwfay6pS0H1tOonPgIhQXttYItDKcem0udhA
        1RuE0tXWSmCmxDoFCmEgvOMCgYEAymbMYLFqWAuB+Z9nDJIvLNqcBUOdqTwr4XEl
        ahXOVs/8aYDqWqdcGBU9fH9w01HJ8MnXPf0SGTHa/SJWn8DCPJoMH/FSF1GAnqrg
        AfYjasNSGcmt/dRK7PH73p5spK5PmAhS8vYS5megmgtvw8a92QPce8yvxPxgUOKj
        v0W8qx0CgYAY0sBiVeOVyNuUFLPQtINpdyLP3ewml9u/Eg+W9swyHZSBMyvJO6g8
        uK6bL6+99DTOU4888Z63aOs6LQ7gHK/chGr+Rz5z6a9N5M8xUunSIG5U768YjvEg
        L3YaBlokFtSNn4AdMIPva6VBljcSZHE/j2mV7PitBjan2p3xJr+NCwKBgCMggCvv
        3pL1PFOEVLAb1tAkCJvpRj2O0dbIekPVEQCEDDyLQSEGlrcfSJKI0535PeDqRs7d
        UvzIaEcyZHJJU+yMl7obebHOVVI0ObhdbXwj9eW/2NCKvY4t2RajzBswnWO3Xh4I
        kvMl3PufLIB/x4cYYnWh6od3fYfMLbsOcVYJAoGARArJkZS2/fuNueJsZ8rfBOcy
        o8sEAjpAcx7JEhFezJoJ739r0mOWMFSHFexpAgjwatn/P/iZlrALu1YCrMztlmLm
        U+dx5A5gkR8+n2gPfLmYWUoTI/Gjaq/HqxrqnDtqy1hYHrNBL6DdwnGi5TBdpEpz
        9eZtr8tslQeSR1EilHw=
        -----END PRIVATE KEY-----
        """

    static let rsaPublic = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAt9N7QXUcjl7dyYnacnuU
        Qvt+uA24e2Px15LYtAZrMoY4GxRNe8nfrtTjv7OeMeHBvtgBORN2ScLDWl7GqrRN
        WJUiXH8XV2xgDGYjxQzOgjmWMpcO7xYKmOQ1QhCUb9q7eTWNUoMTgm8deheoe0sQ
        L7m9HqZo9rYv5ItY6iT+lffpVYR6PyGOV8dvjhutkUnYUxN8SwxXt/aMWdx8gNh4
        G8m5j8gFYYYqYD5KvtcGezZZXk1Gzk/Mcn9vSPabkBiLwtWW6ER4IL5+fd7+fVDN
        CibzMz0lgifeO0I5t5GVz4rnP7oll+ATzLfXZe5iJXECwDs6xl1dt5J71R5exJUG
        twIDAQAB
        -----END PUBLIC KEY-----
        """

    static let weakRSAPublic = """
        -----BEGIN PUBLIC KEY-----
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDcXrdTlMGnaAca/XQgXMMzAVV2
        SlM9X/8Sgo15UMlwQVMmI8aMISgMlIU8+3SOow5Z/RzlmsH4BfP8K4L22xInrBHp
        Y/VDZRA4Ldh+fFkcZhWdyS1op4s3P5UeQ+L3NghJK5cCSntfyjl3K+YeimzYR9Vx
        JHgGctSdnZq2vuuIDQIDAQAB
        -----END PUBLIC KEY-----
        """

    /// A key on P-256, an RSA key, and one for an algorithm that is not used here.
    static let set = """
        {"keys":[{"kty":"EC","crv":"P-256","kid":"e1","use":"sig","x":"-ubTO1b_bnO3LwayXTATlVr2qquliBnxdxlPA\
        zZkYIc","y":"Dvr-O8emKYZDSv2ep4xGnZGYklvzKMt_RLzXJcUCeHE"},{"kty":"RSA","kid":"r1","alg":"RS256","n"\
        :"t9N7QXUcjl7dyYnacnuUQvt-uA24e2Px15LYtAZrMoY4GxRNe8nfrtTjv7OeMeHBvtgBORN2ScLDWl7GqrRNWJUiXH8XV2xgDG\
        YjxQzOgjmWMpcO7xYKmOQ1QhCUb9q7eTWNUoMTgm8deheoe0sQL7m9HqZo9rYv5ItY6iT-lffpVYR6PyGOV8dvjhutkUnYUxN8Sw\
        xXt_aMWdx8gNh4G8m5j8gFYYYqYD5KvtcGezZZXk1Gzk_Mcn9vSPabkBiLwtWW6ER4IL5-fd7-fVDNCibzMz0lgifeO0I5t5GVz4\
        rnP7oll-ATzLfXZe5iJXECwDs6xl1dt5J71R5exJUGtw","e":"AQAB"},{"kty":"EC","crv":"P-384","alg":"ES384","k\
        id":"x","x":"AA","y":"AA"}]}
        """
}
