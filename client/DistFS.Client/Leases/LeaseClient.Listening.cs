using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;

namespace DistFS.Client.Leases;

/// <content>One call for recalls is always under way; it keeps the session alive.</content>
internal sealed partial class LeaseClient
{
    // Under the gate, as long as it is not disposed of.
    private CancellationTokenSource? _waiting;

    /// <summary>A reply names an epoch, or says that the session is over.</summary>
    private void Look(LeaseStatus status)
    {
        if (status.Code == ErrorCatalog.SessionEnded.Number)
        {
            Lose();
            return;
        }

        lock (_gate)
        {
            if (status.Epoch != 0 && _book.Saw(status.Epoch))
            {
                // Whoever waits at the leader before hears nothing any more. What hangs on it runs elsewhere.
                _ = _waiting?.CancelAsync();
            }
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested && !_session.IsEnded)
            {
                try
                {
                    await ReclaimAsync().ConfigureAwait(false);
                    await ListenOnceAsync().ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    // The end, or another leader: looked at above.
                }
                catch (DistFsException)
                {
                    // Nobody leads at the moment. What is believed ends by itself.
                    await PauseAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            if (_session.IsEnded)
            {
                // Whoever heard of it.
                Lose();
            }

            _first.TrySetResult();
        }
    }

    private async Task ListenOnceAsync()
    {
        var request = new WaitForRecallsRequest { Client = _session.Id.Value };
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, _session.Over);
        lock (_gate)
        {
            (request.Epoch, request.Seen, _waiting) = (_book.Epoch, _book.Seen, waiting);
        }

        LeaderReply<WaitForRecallsReply> answer;
        try
        {
            // The leader waits for a third of the lease time, or for 3/4 of what it is given.
            answer = await _channel.WaitForRecallsAsync(request, _options.SessionLease / 2, waiting.Token)
                .ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _waiting = null;
            }
        }

        var reply = answer.Reply;
        Look(reply.Status);
        if (reply.Status.Status != 0)
        {
            await PauseAsync().ConfigureAwait(false);
            return;
        }

        if (reply.Renewed)
        {
            _session.Heard(answer.SentMs);
        }

        lock (_gate)
        {
            if (reply.Status.Epoch != _book.Epoch)
            {
                return;
            }

            if (reply.Renewed)
            {
                _book.Renewed(answer.SentMs);
            }

            if (reply.Reclaim)
            {
                _book.AskedToReclaim();
            }
        }

        Answer(reply.Recalls, reply.Status.Epoch);
        if (!reply.Reclaim)
        {
            _first.TrySetResult();
        }
    }

    private void Lose()
    {
        lock (_gate)
        {
            _book.LoseAll();
        }

        _session.End();
        TellAllLost();
    }

    /// <summary>Once, whoever heard of the end.</summary>
    private void TellAllLost()
    {
        if (Interlocked.Exchange(ref _isAllLost, 1) == 0)
        {
            Guard("All caches are to be forgotten", _holder.AllLost);
            _allLost.TrySetResult();
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(Pause, _options.Clock, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }
}
