using Crosshead.Serving;

namespace Crosshead.Server.Http;

/// <summary>Turns failures into the errors that clients see.</summary>
internal static class Failures
{
    /// <summary>An engine did not take a request.</summary>
    public static ApiException OfSubmission(CrossheadException failure) => failure switch
    {
        ApiException already => already,
        EngineOverloadedException full =>
            ApiException.Unavailable("overloaded", full.Message, full.RetryAfter.TotalSeconds),
        _ => new ApiException(400, "invalid_request", failure.Message),
    };

    /// <summary>An engine failed while it answered.</summary>
    public static ApiException OfEngine(Exception failure) => failure switch
    {
        ApiException already => already,
        EngineTimeoutException => new ApiException(504, "timeout", failure.Message),
        _ => new ApiException(500, "model_error", failure.Message),
    };

    /// <summary>An engine ended a call that nobody had given up.</summary>
    public static ApiException Cancelled() => ApiException.Unavailable("cancelled",
        "the server ended the answer, because it stops or because nobody read the answer; ask again.", 5);

    /// <summary>A fault of the server itself.</summary>
    public static ApiException OfServer(Exception failure) => new(500, "internal_error",
        $"the server failed ({failure.GetType().Name}); its log has more. Report it if it happens again.");
}
