namespace Crosshead.Server.Http;

/// <summary>A request that is answered with an error.</summary>
/// <param name="status">The status of HTTP.</param>
/// <param name="code">A word for programs.</param>
/// <param name="message">What is wrong, the value, what is allowed, and the remedy.</param>
/// <param name="param">The field of the request; null for the whole.</param>
internal sealed class ApiException(int status, string code, string message, string? param = null)
    : CrossheadException(message)
{
    /// <summary>The status of HTTP.</summary>
    public int Status => status;

    /// <summary>A word for programs.</summary>
    public string Code => code;

    /// <summary>The field of the request; null for the whole.</summary>
    public string? Param => param;

    /// <summary>The kind of error, in the words of OpenAI's interface.</summary>
    public string Type => status switch
    {
        401 => "authentication_error",
        403 => "permission_error",
        404 or 405 => "not_found_error",
        408 or 504 => "timeout_error",
        429 => "rate_limit_error",
        >= 400 and < 500 => "invalid_request_error",
        503 => "overloaded_error",
        _ => "server_error",
    };

    /// <summary>Whole seconds, 1 to 60, after which another try may succeed; null if none will.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The methods that the address allows; null unless another one was used.</summary>
    public string? Allow { get; init; }

    /// <summary>A field has a value that cannot be used.</summary>
    public static ApiException Invalid(string param, string message) => new(400, "invalid_value", message, param);

    /// <summary>A field that this server knows and cannot do.</summary>
    public static ApiException Unsupported(string param, string message) => new(400, "unsupported", message, param);

    /// <summary>The server cannot take the request now.</summary>
    public static ApiException Unavailable(string code, string message, double retryAfter) =>
        new(503, code, message) { RetryAfter = (int)Math.Clamp(Math.Ceiling(retryAfter), 1, 60) };
}
