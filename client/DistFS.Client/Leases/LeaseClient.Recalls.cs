using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Leases;

/// <content>Recalls, and what is told in answer.</content>
internal sealed partial class LeaseClient
{
    /// <summary>Each is given up by itself: one that takes long holds up no other.</summary>
    private void Answer(IEnumerable<WaitForRecallsReply.Types.Recall> recalls)
    {
        List<LeaseAnswer> atOnce = [];
        lock (_gate)
        {
            foreach (var recall in recalls)
            {
                var inode = new InodeId(recall.Inode);
                if (_pins.TryGetValue(inode, out var pin) && (pin.IsGranted || !_book.Has(inode)))
                {
                    // A recall is faster than the grant that it recalls, which waits for a round of consensus.
                    _book.Heard(recall.Number);
                    _ = AnswerBehindAsync(pin.Ended.Task, recall);
                    continue;
                }

                var keep = recall.Keep == (uint)LeaseMode.Read ? LeaseMode.Read : LeaseMode.None;
                if (_book.Recalled(recall.Number, inode, recall.Grant, keep))
                {
                    var before = _givingUp.GetValueOrDefault(inode, Task.CompletedTask);
                    var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    _givingUp[inode] = ended.Task;
                    _ = Task.Run(() => GiveUpAsync(before, inode, keep, ended));
                }
                else
                {
                    atOnce.Add(new LeaseAnswer(inode, recall.Grant, LeaseMode.None));
                }
            }
        }

        if (atOnce.Count > 0)
        {
            _ = Task.Run(() => TellAsync(atOnce));
        }
    }

    private async Task AnswerBehindAsync(Task pin, WaitForRecallsReply.Types.Recall recall)
    {
        await pin.ConfigureAwait(false);
        Answer([recall]);
    }

    private async Task GiveUpAsync(Task before, InodeId inode, LeaseMode keep, TaskCompletionSource ended)
    {
        await before.ConfigureAwait(false);
        await _holder.GiveUpAsync(inode, keep).ConfigureAwait(false);
        LeaseAnswer? answer;
        lock (_gate)
        {
            answer = _book.GaveUp(inode, keep);
        }

        if (answer is { } told)
        {
            await TellAsync([told]).ConfigureAwait(false);
        }

        lock (_gate)
        {
            // Another recall may have come behind this one.
            if (_givingUp[inode] == ended.Task)
            {
                _givingUp.Remove(inode);
            }
        }

        ended.TrySetResult();
    }

    /// <summary>
    /// Told until it is heard: a session that does not answer is ended. A leader that is another by now has not heard
    /// of these leases, or hears of them when they are reclaimed.
    /// </summary>
    private async Task TellAsync(List<LeaseAnswer> answers)
    {
        foreach (var part in answers.Chunk(ToldMax))
        {
            ulong epoch;
            lock (_gate)
            {
                epoch = _book.Epoch;
            }

            var request = new ReleaseLeasesRequest { Client = _session.Id.Value, Epoch = epoch };
            request.Released.Add(part.Select(static one => new ReleaseLeasesRequest.Types.Released
            {
                Inode = one.Inode.Value,
                Grant = one.Grant,
                Keep = (uint)one.Keep,
            }));
            while (!_stop.IsCancellationRequested && !_session.IsEnded)
            {
                try
                {
                    Look(await _channel.ReleaseAsync(request, TellLimit, _stop.Token).ConfigureAwait(false));
                    break;
                }
                catch (DistFsException)
                {
                    await PauseAsync().ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    // The client ends, and its session with it.
                }
            }
        }
    }
}
