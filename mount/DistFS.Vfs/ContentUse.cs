namespace DistFS.Vfs;

/// <summary>
/// Content that is told to the kernel, or taken from it; disposed of when that was answered. Once, always.
/// </summary>
/// <remarks>
/// Under a lease: that is not given up before. Without one the kernel must not keep what it has: it is made to forget
/// the range behind the answer (before it the range is locked there), and until it has, no lease of the file is given
/// up. So it comes before what others change then: a kernel drops the attributes that it asked for before it was told
/// to forget, and would keep the end of the file as it was.
/// </remarks>
public readonly struct ContentUse : IDisposable
{
    private readonly VfsMount? _mount;
    private readonly VfsNode? _node;
    private readonly ReadOrder.Read? _read;
    private readonly (long Offset, int Length, long At) _range;

    /// <summary>Under the lease, which is in use.</summary>
    internal ContentUse(VfsNode node, ReadOrder.Read read) => (_node, _read) = (node, read);

    /// <summary>Without one; counted.</summary>
    internal ContentUse(
        VfsMount mount, VfsNode node, ReadOrder.Read? read, (long Offset, int Length, long At) range) =>
        (_mount, _node, _read, _range) = (mount, node, read, range);

    /// <summary>Whether the kernel may keep what it has.</summary>
    public bool Keeps => _mount == null;

    /// <summary>Nothing was told: there is nothing to be forgotten.</summary>
    internal void Drop()
    {
        _read?.End();
        if (_mount == null)
        {
            _node?.EndUse();
        }
        else
        {
            _node!.EndLoose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _read?.End();
        if (_mount == null)
        {
            _node?.EndUse();
        }
        else
        {
            _ = _mount.ForgetLooseAsync(_node!, _range.Offset, _range.Length, _range.At);
        }
    }
}
