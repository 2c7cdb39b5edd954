namespace DistFS.Primitives;

/// <summary>
/// An error that a user can meet. <see cref="Id"/> ("DFS1203") never changes its meaning and is never given twice;
/// scripts may depend on it. <c>dfs explain DFS1203</c> prints <see cref="Explanation"/>.
/// </summary>
/// <param name="Number">1000 to 9999; the hundreds name the area (see <see cref="ErrorCatalog"/>).</param>
/// <param name="Status">What it is to a program.</param>
/// <param name="Title">A few words, without a full stop.</param>
/// <param name="Explanation">What happened, why it usually happens, and what to do next.</param>
public sealed record ErrorCode(int Number, FsStatus Status, string Title, string Explanation)
{
    /// <summary>"DFS" and four digits.</summary>
    public string Id => $"DFS{Number:0000}";

    /// <inheritdoc/>
    public override string ToString() => $"{Id} ({Title})";
}
