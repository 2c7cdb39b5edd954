using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>A change that waits for the lane.</summary>
internal abstract class LaneRequest
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done, or refused.</summary>
    public Task Done => _done.Task;

    /// <summary>Parts that have to end before it is done. The lane's.</summary>
    public int PartsLeft { get; set; }

    /// <summary>Checks, and then changes. The lane's.</summary>
    /// <exception cref="DistFsException">Refused; nothing was changed.</exception>
    public abstract void Execute(LaneGroup group);

    public void Complete() => _done.TrySetResult();

    public void Fail(DistFsException failure) => _done.TrySetException(failure);
}

/// <summary>A change that needs no class of its own.</summary>
internal sealed class ActionRequest(Action<LaneGroup, LaneRequest> action) : LaneRequest
{
    public override void Execute(LaneGroup group) => action(group, this);
}
