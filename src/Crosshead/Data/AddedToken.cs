namespace Crosshead.Data;

/// <summary>A token that stands for a fixed text and is never split or merged, such as <c>&lt;|endoftext|&gt;</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">The text it stands for.</param>
/// <param name="Special">Whether it is a control token: left out of decoded text on request, and not read from
/// text unless asked.</param>
public sealed record AddedToken(int Id, string Content, bool Special);
