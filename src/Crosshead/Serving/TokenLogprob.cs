namespace Crosshead.Serving;

/// <summary>
/// The log-probability of a token, by the model's distribution before penalties, constraints and temperature.
/// </summary>
/// <param name="Id">The token.</param>
/// <param name="Logprob">Its log-probability.</param>
/// <param name="Top">The likeliest tokens at this place, likeliest first.</param>
public sealed record TokenLogprob(int Id, float Logprob, IReadOnlyList<(int Id, float Logprob)> Top);
