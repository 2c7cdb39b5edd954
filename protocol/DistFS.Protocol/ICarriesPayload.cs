using Google.Protobuf;

namespace DistFS.Protocol;

/// <summary>
/// A message with a field <c>bytes payload = 15</c>: over frames these bytes travel as the frame's raw payload and the
/// field stays empty, so that they never pass through protobuf; over gRPC they are the field.
/// </summary>
public interface ICarriesPayload
{
    /// <summary>The field; empty over frames.</summary>
    ByteString Payload { get; set; }
}

public sealed partial class PingRequest : ICarriesPayload;

public sealed partial class PingReply : ICarriesPayload;

public sealed partial class DeliverRequest : ICarriesPayload;

public sealed partial class ReadDirectoryReply : ICarriesPayload;

public sealed partial class WriteChunkRequest : ICarriesPayload;

public sealed partial class ReadChunkReply : ICarriesPayload;
