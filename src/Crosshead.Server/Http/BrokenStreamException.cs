namespace Crosshead.Server.Http;

/// <summary>
/// An answer in events that failed after it had begun. The client was told; the connection is broken all the same,
/// because most clients take the end of a stream for success.
/// </summary>
/// <param name="error">What the client was told.</param>
/// <param name="cause">What happened.</param>
internal sealed class BrokenStreamException(ApiException error, Exception cause) : Exception(error.Message, cause)
{
    /// <summary>What the client was told.</summary>
    public ApiException Error => error;
}
