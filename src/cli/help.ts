/** The text that `statestore --help` prints. */
export const HELP = `Usage: statestore get KEY [options]
       statestore set KEY [VALUE] [options]      without VALUE: the bytes of stdin
       statestore delete KEY [options]
       statestore observe KEY [options]          until Ctrl-C

Reads, writes and observes keys of the Azure IoT Operations state store. "get" writes the bytes of the value to stdout,
and nothing else. "observe" writes a line for each change, "set VALUE" or "delete".

Results
  --json                   one line of JSON: the operation, its result, the value, its version. A value that is not
                           UTF-8 is in "valueBase64"
  --raw                    get, observe: write bytes to a terminal as they are. Default: control characters as \\x1b
  --if-value VALUE         delete: only if this is the value
  --if-stdin               delete: only if the bytes of stdin are the value
  --condition NX|NEX       set: only if the key is new (NX), or new or of this very value already (NEX)
  --expiry SECONDS         set: the store deletes the key after this time
  --persist                set: ask that the key survive a restart of the broker
  --fencing-token VERSION  set, delete: the version of the lock that protects the key
  --current                observe: print the current value first
  --key-prefix TEXT        put before the key in the store
  --timeout SECONDS        maximum time for the whole command; for observe, until the key is observed (default 10)

Where the store is
  --env                    from the AIO_... variables, such as those of a pod (except the client ID)
  --host HOST              host of the MQTT broker (default localhost)
  --port PORT              its port (default 1883, with TLS 8883)
  --tls                    use TLS; each of the options for files below does so, too
  --ca FILE                certificate authorities for the broker, PEM (default: those of Node.js)
  --servername NAME        the name in the certificate of the broker, if it is not HOST
  --cert FILE --key FILE   certificate and private key of this client, PEM
  --key-password-file FILE password of the private key
  --username NAME          user name; the password is in the variable STATESTORE_PASSWORD, or in
  --password-file FILE     this file
  --token-file FILE        Kubernetes service account token
  --client-id ID           MQTT client ID (default: a new one). A client with the same ID is disconnected

  --help                   print this text
  --version                print the version

Put a KEY or VALUE that begins with "-" after "--": statestore set --host broker -- temperature -5

Exit codes
  0  done
  1  the key does not exist, or the condition does not hold: nothing was changed
  2  wrong usage, or a file that an option names cannot be used: nothing was changed
  3  the store could not be reached, or gave no usable answer to a reading: nothing was changed
  4  the broker or the store refused: nothing was changed
  5  a write that may or may not have been applied: get the key to find out
  6  something else, such as a full disk behind stdout
`;
