namespace DistFS.Fuse;

/// <content>Interrupts: both fields belong to the lock of the table.</content>
internal sealed partial class RequestState
{
    private CancellationTokenSource? _interrupt;
    private bool _isInterrupted;

    public CancellationToken GetInterrupted(long lease)
    {
        lock (_server.Flight.Gate)
        {
            if (!IsOpen(lease) || !WasDeferred)
            {
                throw new InvalidOperationException("Only a deferred FUSE request is interrupted, until its answer.");
            }

            if (_isInterrupted)
            {
                return new CancellationToken(canceled: true);
            }

            return (_interrupt ??= new CancellationTokenSource()).Token;
        }
    }

    /// <summary>Under the lock of the table.</summary>
    /// <returns>What is to be cancelled, outside of the lock.</returns>
    public CancellationTokenSource? SetInterrupted()
    {
        _isInterrupted = true;
        return _interrupt;
    }
}
