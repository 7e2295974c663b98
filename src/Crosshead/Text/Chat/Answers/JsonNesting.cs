namespace Crosshead.Text.Chat.Answers;

/// <summary>Follows the brackets and strings of a JSON object or list to its end.</summary>
internal struct JsonNesting
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <summary>Takes the next character; true if it is the last one.</summary>
    public bool Ends(char c)
    {
        if (_inString)
        {
            (_inString, _escaped) = (_escaped || c != '"', !_escaped && c == '\\');
            return false;
        }
        _inString = c == '"';
        if (c is '{' or '[') _depth++;
        return c is '}' or ']' && --_depth <= 0;
    }
}
