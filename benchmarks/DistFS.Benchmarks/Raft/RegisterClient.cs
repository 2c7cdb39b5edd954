using DistFS.Metaserver.Consensus;
using DistFS.Rpc;
using Google.Protobuf;

namespace DistFS.Benchmarks.Raft;

/// <summary>
/// A client with a session: it repeats a command under the same number until it is answered, wherever the leader is.
/// </summary>
internal sealed class RegisterClient(RaftProcesses processes, ulong client, int commandBytes)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(1);

    private readonly byte[] _command = new byte[commandBytes];
    private ulong _sequence;
    private int _member;
    private int _attempts;

    /// <summary>To whom it speaks.</summary>
    public int Member
    {
        get => _member;
        set => _member = value;
    }

    /// <summary>Writes; returns when it is done.</summary>
    public async Task PutAsync(ulong key, long value, CancellationToken cancellation)
    {
        new RegisterCommand(client, ++_sequence, key, value).Write(_command);
        var request = new PutRequest { Command = ByteString.CopyFrom(_command) };
        for (_attempts = 0; ; _attempts++)
        {
            if (await TryPutAsync(request) == CallStatus.Done)
            {
                return;
            }

            await WaitAsync(cancellation);
        }
    }

    /// <summary>Reads from any member; returns when it is answered.</summary>
    public async Task<long> GetAsync(ulong key, CancellationToken cancellation)
    {
        for (_attempts = 0; ; _attempts++)
        {
            if (await TryGetAsync(_member, key) is { } value)
            {
                return value;
            }

            _member = (_member + 1) % processes.Count;
            await WaitAsync(cancellation);
        }
    }

    /// <summary>Reads from that member; null if it does not answer.</summary>
    public async Task<long?> TryGetAsync(int member, ulong key, TimeSpan? limit = null)
    {
        try
        {
            using var reply = await processes.Caller(member).CallAsync(
                RegisterService.Get, new GetRequest { Key = key }, new CallOptions(limit ?? CallLimit));
            return (CallStatus)reply.Message.Status == CallStatus.Done ? reply.Message.Value : null;
        }
        catch (RpcException)
        {
            return null;
        }
    }

    private async ValueTask<CallStatus> TryPutAsync(PutRequest request)
    {
        try
        {
            using var reply = await processes.Caller(_member).CallAsync(
                RegisterService.Put, request, new CallOptions(CallLimit));
            var status = (CallStatus)reply.Message.Status;
            if (status != CallStatus.Done)
            {
                _member = reply.Message.Leader != 0 && reply.Message.Leader != (ulong)_member + 1
                    ? (int)reply.Message.Leader - 1
                    : (_member + 1) % processes.Count;
            }

            return status;
        }
        catch (RpcException)
        {
            _member = (_member + 1) % processes.Count;
            return CallStatus.Unknown;
        }
    }

    // The first attempts elsewhere at once, then a little apart: a new leader is found within 10 ms of its election.
    private async ValueTask WaitAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_attempts >= processes.Count)
        {
            await Task.Delay(10, cancellation);
        }
    }
}
