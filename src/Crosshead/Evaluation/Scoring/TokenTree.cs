namespace Crosshead.Evaluation.Scoring;

/// <summary>
/// Requests with a shared beginning, as a tree of tokens in depth-first order. A shared token occurs once. Requests are
/// added in the order of their tokens, so each shares most with the previous one.
/// </summary>
internal sealed class TokenTree
{
    // A tree is attended densely, so joining costs the square of its size; questions that share a long prefix (a few
    // examples) are gathered up to this size, and the choices of one long context up to the larger.
    private const int UsualNodes = 4096, MostNodes = 16384;

    private readonly List<int> _path = []; // nodes of the request added last
    private readonly List<TreePrediction> _predictions = [];
    private readonly List<int> _tokens = [], _depths = [], _ends = [];

    /// <summary>Tokens of all nodes.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Each node's distance from the beginning.</summary>
    public IReadOnlyList<int> Depths => _depths;

    /// <summary>One past the last of each node's descendants.</summary>
    public IReadOnlyList<int> Ends => _ends;

    /// <summary>What is asked about the nodes.</summary>
    public IReadOnlyList<TreePrediction> Predictions => _predictions;

    /// <summary>Nodes.</summary>
    public int Count => _tokens.Count;

    /// <summary>Whether no node has two children.</summary>
    public bool IsChain => _path.Count == Count;

    /// <summary>Adds a request unless it has little in common with the tree or makes it too large.</summary>
    /// <param name="index">The request's number, returned with its prediction.</param>
    /// <param name="request">Not before the request added last, in the order of tokens.</param>
    public bool TryAdd(int index, ScoringRequest request)
    {
        var input = request.Input;
        var shared = 0;
        while (shared < Math.Min(input.Length, _path.Count) && _tokens[_path[shared]] == input[shared]) shared++;
        if (Count > 0)
        {
            var most = Math.Min(MostNodes, Math.Max(UsualNodes, 2 * input.Length));
            if (2 * shared < input.Length || Count + input.Length - shared > most) return false;
        }

        // Nodes that are left behind have all their descendants; the others continue to grow.
        _path.RemoveRange(shared, _path.Count - shared);
        for (var depth = shared; depth < input.Length; depth++)
        {
            _path.Add(Count);
            _tokens.Add(input[depth]);
            _depths.Add(depth);
            _ends.Add(0);
        }
        foreach (var node in _path) _ends[node] = Count;
        _predictions.Add(
            new TreePrediction(index, [.. _path[^request.Predicted..]], request.Tokens[^request.Predicted..]));
        return true;
    }
}
