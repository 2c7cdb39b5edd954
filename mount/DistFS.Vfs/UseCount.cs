namespace DistFS.Vfs;

/// <summary>
/// How often something is in use just now, and who waits until it is not. Everything under the gate of whose it is;
/// what is returned is completed outside of it.
/// </summary>
internal struct UseCount
{
    private int _count;
    private TaskCompletionSource? _none;

    public readonly bool IsAny => _count > 0;

    public void Begin() => _count++;

    /// <returns>Who waits for it, if it was the last; to be completed.</returns>
    public TaskCompletionSource? End()
    {
        if (--_count > 0)
        {
            return null;
        }

        var none = _none;
        _none = null;
        return none;
    }

    /// <summary>Ends when it is in use no more, for a moment at least.</summary>
    public Task WhenNone()
    {
        if (_count == 0)
        {
            return Task.CompletedTask;
        }

        _none ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _none.Task;
    }
}
