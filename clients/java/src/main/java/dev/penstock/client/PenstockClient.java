package dev.penstock.client;

import dev.penstock.v1.AppendBatch;
import dev.penstock.v1.AppendRequest;
import dev.penstock.v1.AppendServiceGrpc;
import dev.penstock.v1.BatchGetRequest;
import dev.penstock.v1.BatchGetResponse;
import dev.penstock.v1.CatalogServiceGrpc;
import dev.penstock.v1.ClusterServiceGrpc;
import dev.penstock.v1.CreateFunctionRequest;
import dev.penstock.v1.CreateRelationRequest;
import dev.penstock.v1.CreateRelationResponse;
import dev.penstock.v1.DeleteTopologyRequest;
import dev.penstock.v1.DescribeClusterRequest;
import dev.penstock.v1.DrainNodeRequest;
import dev.penstock.v1.DropFunctionRequest;
import dev.penstock.v1.DropRelationRequest;
import dev.penstock.v1.ExecuteResponse;
import dev.penstock.v1.ExplainTopologyRequest;
import dev.penstock.v1.GetFunctionRequest;
import dev.penstock.v1.GetRelationRequest;
import dev.penstock.v1.GetRequest;
import dev.penstock.v1.GetResponse;
import dev.penstock.v1.GetTopologyRequest;
import dev.penstock.v1.ListFunctionsRequest;
import dev.penstock.v1.ListRelationsRequest;
import dev.penstock.v1.ListRelationsResponse;
import dev.penstock.v1.ListTasksRequest;
import dev.penstock.v1.ListTopicsRequest;
import dev.penstock.v1.ListTopologiesRequest;
import dev.penstock.v1.ListTopologiesResponse;
import dev.penstock.v1.LookupServiceGrpc;
import dev.penstock.v1.PauseTopologyRequest;
import dev.penstock.v1.PauseTopologyResponse;
import dev.penstock.v1.QueryResponse;
import dev.penstock.v1.RawRecords;
import dev.penstock.v1.RegisterTopologyRequest;
import dev.penstock.v1.RegisterTopologyResponse;
import dev.penstock.v1.RelationKind;
import dev.penstock.v1.ReplayDeadLettersResponse;
import dev.penstock.v1.ResetTopologyRequest;
import dev.penstock.v1.ResetTopologyResponse;
import dev.penstock.v1.ResumeTopologyRequest;
import dev.penstock.v1.ResumeTopologyResponse;
import dev.penstock.v1.SqlServiceGrpc;
import dev.penstock.v1.SubscribeResponse;
import dev.penstock.v1.SubscriptionServiceGrpc;
import dev.penstock.v1.TopologyServiceGrpc;
import dev.penstock.v1.UpdateTopologyResponse;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A connection to a service, opened at the first call and safe for many threads: register topologies, append rows, subscribe to results, look rows up.
 *
 * <p>Settings of a call are given as {@code o -> o.atLeast(token)}. What the service refuses is a {@link PenstockException}, of a class of its reason
 * in {@code dev.penstock.client.errors}; mistakes that need no service (a column that a relation does not have, a value that does not fit) are an
 * IllegalArgumentException, before anything is sent. A call is bounded by the client's timeout and by the deadline of {@code io.grpc.Context}, and
 * ends when its thread is interrupted.
 */
public final class PenstockClient implements AutoCloseable {

    private static final int PAGE = 1000;
    private static final Pattern NOT_CODE = Pattern.compile("'(?:''|[^'])*'|--[^\\n]*|/\\*.*?\\*/", Pattern.DOTALL);
    private static final Pattern EMITS = Pattern.compile("\\bEMIT\\s+(CHANGES|FINAL)\\b", Pattern.CASE_INSENSITIVE);

    private final Connection connection;
    private final Session session = new Session();
    private final Map<String, Relation> known = new ConcurrentHashMap<>();

    PenstockClient(Connection connection) {
        this.connection = connection;
    }

    /** A client without settings for the service at `host:port`, or several nodes of it by comma, of which it uses one that is there. */
    public static PenstockClient connect(String addresses) {
        return builder(addresses).build();
    }

    /** Begins a client with settings. */
    public static ClientBuilder builder(String addresses) {
        return new ClientBuilder(addresses);
    }

    /** Ends every call, subscription, scan and appender of this client at once. */
    @Override
    public void close() {
        connection.close();
    }

    /** The channel to the current node, for the method descriptors of {@code dev.penstock.v1}: whatever is missing here. */
    public Channel channel() {
        return connection.nodes;
    }

    /** What SET and DEFINE changed, and the last position of this client's SQL. */
    public Session session() {
        return session;
    }

    // relations

    /** Declares a stream over a topic of its name. columns: as `NAME TYPE [KEY], ...`. An equal declaration again is answered as the first time. */
    public Relation createStream(String name, String columns) {
        return createStream(name, columns, new Binding());
    }

    /** Declares a stream over a topic. */
    public Relation createStream(String name, String columns, Binding binding) {
        return declare(RelationKind.RELATION_KIND_STREAM, name, columns, binding);
    }

    /** Declares a table over a topic of its name; it needs key columns. */
    public Relation createTable(String name, String columns) {
        return createTable(name, columns, new Binding());
    }

    /** Declares a table over a topic. */
    public Relation createTable(String name, String columns, Binding binding) {
        return declare(RelationKind.RELATION_KIND_TABLE, name, columns, binding);
    }

    private Relation declare(RelationKind kind, String name, String columns, Binding binding) {
        return createRelation(dev.penstock.v1.Relation.newBuilder()
                .setName(name).setKind(kind).setSchema(Columns.parse(columns)).setTopic(binding.message()).build());
    }

    /** Declares a relation by its message. */
    public Relation createRelation(dev.penstock.v1.Relation relation) {
        CreateRelationResponse response = connection.call(
                CatalogServiceGrpc.CREATE_RELATION, CreateRelationRequest.newBuilder().setRelation(relation).build());
        known.remove(relation.getName());
        return Relation.of(response.getRelation(), response.getPosition().getValue());
    }

    /** Describes a relation by its catalog name or `topology.node`. UnknownRelationException. */
    public Relation relation(String name) {
        GetRelationRequest request = GetRelationRequest.newBuilder().setName(name).build();
        return Relation.of(connection.call(CatalogServiceGrpc.GET_RELATION, request).getRelation(), "");
    }

    /** All relations by name. */
    public List<Relation> relations() {
        return relations(false);
    }

    /** All relations by name; with nodes also materialised nodes and dead-letter streams. */
    public List<Relation> relations(boolean nodes) {
        List<Relation> out = new ArrayList<>();
        String token = "";
        do {
            ListRelationsResponse page = connection.call(
                    CatalogServiceGrpc.LIST_RELATIONS,
                    ListRelationsRequest.newBuilder().setPageSize(PAGE).setPageToken(token).setIncludeNodes(nodes).build());
            page.getRelationsList().forEach(message -> out.add(Relation.of(message, "")));
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return out;
    }

    /** Forgets a declared relation; the position is returned. RelationInUseException while topologies read or write it. */
    public String dropRelation(String name) {
        return dropRelation(name, "", false);
    }

    /** As dropRelation(name). etag: must be the present one, else EtagMismatchException, unless it is empty; topic: deletes its topic too. */
    public String dropRelation(String name, String etag, boolean topic) {
        DropRelationRequest request = DropRelationRequest.newBuilder().setName(name).setEtag(etag).setDeleteTopic(topic).build();
        String position = connection.once(CatalogServiceGrpc.DROP_RELATION, request).getPosition().getValue();
        known.remove(name);
        return position;
    }

    /** The topics by name; with internal also changelogs, repartition topics and the registry. */
    public List<TopicInfo> topics(boolean internal) {
        ListTopicsRequest request = ListTopicsRequest.newBuilder().setIncludeInternal(internal).build();
        return connection.call(CatalogServiceGrpc.LIST_TOPICS, request).getTopicsList().stream().map(TopicInfo::of).toList();
    }

    /** The functions by name. */
    public List<FunctionInfo> functions() {
        return connection.call(CatalogServiceGrpc.LIST_FUNCTIONS, ListFunctionsRequest.getDefaultInstance())
                .getFunctionsList().stream().map(FunctionInfo::of).toList();
    }

    /** Describes one function. UnknownFunctionException. */
    public FunctionInfo function(String name) {
        GetFunctionRequest request = GetFunctionRequest.newBuilder().setName(name).build();
        return FunctionInfo.of(connection.call(CatalogServiceGrpc.GET_FUNCTION, request).getFunction());
    }

    /** Declares a function that workers compute, for expressions. NameTakenException when one of the name is declared otherwise in no lower version. */
    public FunctionInfo createFunction(RemoteFunction function) {
        CreateFunctionRequest request = CreateFunctionRequest.newBuilder().setFunction(function.message).build();
        return FunctionInfo.of(connection.call(CatalogServiceGrpc.CREATE_FUNCTION, request).getFunction());
    }

    /** Forgets a declared function; topologies that call it go on. The position is returned. UnknownFunctionException. */
    public String dropFunction(String name) {
        DropFunctionRequest request = DropFunctionRequest.newBuilder().setName(name).build();
        return connection.once(CatalogServiceGrpc.DROP_FUNCTION, request).getPosition().getValue();
    }

    private Relation known(String name) {
        return known.computeIfAbsent(name, this::relation);
    }

    // topologies

    /** Registers a definition and answers at once; an equal one again is answered as the first time. */
    public TopologyInfo registerTopology(Topology topology) {
        return registerTopology(topology, Duration.ZERO);
    }

    /** Registers a definition and answers when it is RUNNING or FAILED, after `wait` at most. */
    public TopologyInfo registerTopology(Topology topology, Duration wait) {
        return registerTopology(topology.message(), wait, false);
    }

    /** Checks and plans a definition, and creates nothing. */
    public TopologyInfo validateTopology(Topology topology) {
        return registerTopology(topology.message(), Duration.ZERO, true);
    }

    /** Registers a definition by its message. */
    public TopologyInfo registerTopology(dev.penstock.v1.Topology topology, Duration wait, boolean validateOnly) {
        RegisterTopologyRequest.Builder request = RegisterTopologyRequest.newBuilder().setTopology(topology).setValidateOnly(validateOnly);
        if (!wait.isZero()) {
            request.setWait(Times.message(wait));
        }
        RegisterTopologyResponse response = connection.call(TopologyServiceGrpc.REGISTER_TOPOLOGY, request.build(), true, wait);
        return TopologyInfo.of(response.getTopology(), response.getPosition(), response.getWarningsList());
    }

    /** Gives a topology another definition; it goes on with the state that stays meaningful. UpdateNeedsLeaveException. */
    public TopologyUpdate updateTopology(Topology topology, Consumer<UpdateOptions> options) {
        UpdateOptions how = configured(new UpdateOptions(), options);
        UpdateTopologyResponse response = connection.call(
                TopologyServiceGrpc.UPDATE_TOPOLOGY, how.request.setTopology(topology.message()).build(), true, how.wait);
        return new TopologyUpdate(
                TopologyInfo.of(response.getTopology(), response.getPosition(), List.of()),
                response.getChangesList().stream().map(TopologyUpdate.NodeChange::of).toList());
    }

    /** Describes a registered topology. UnknownTopologyException. */
    public TopologyInfo topology(String name) {
        GetTopologyRequest request = GetTopologyRequest.newBuilder().setName(name).build();
        return TopologyInfo.of(
                connection.call(TopologyServiceGrpc.GET_TOPOLOGY, request).getTopology(), dev.penstock.v1.PositionToken.getDefaultInstance(), List.of());
    }

    /** All registered topologies by name. */
    public List<TopologyInfo> topologies() {
        List<TopologyInfo> out = new ArrayList<>();
        String token = "";
        do {
            ListTopologiesResponse page = connection.call(
                    TopologyServiceGrpc.LIST_TOPOLOGIES, ListTopologiesRequest.newBuilder().setPageSize(PAGE).setPageToken(token).build());
            page.getTopologiesList().forEach(
                    message -> out.add(TopologyInfo.of(message, dev.penstock.v1.PositionToken.getDefaultInstance(), List.of())));
            token = page.getNextPageToken();
        } while (!token.isEmpty());
        return out;
    }

    /** Stops a topology and deletes its state; the position is returned. */
    public String deleteTopology(String name) {
        return deleteTopology(name, "", false);
    }

    /** As deleteTopology(name). etag: must be the present one, else EtagMismatchException, unless it is empty; topics: deletes what it published too. */
    public String deleteTopology(String name, String etag, boolean topics) {
        DeleteTopologyRequest request = DeleteTopologyRequest.newBuilder().setName(name).setEtag(etag).setDeleteTopics(topics).build();
        return connection.once(TopologyServiceGrpc.DELETE_TOPOLOGY, request).getPosition().getValue();
    }

    /** Stops processing at a commit; lookups go on. */
    public TopologyInfo pauseTopology(String name) {
        PauseTopologyResponse response = connection.call(
                TopologyServiceGrpc.PAUSE_TOPOLOGY, PauseTopologyRequest.newBuilder().setName(name).build());
        return TopologyInfo.of(response.getTopology(), response.getPosition(), List.of());
    }

    /** Goes on where the topology was paused, and tries failed tasks again. */
    public TopologyInfo resumeTopology(String name) {
        ResumeTopologyResponse response = connection.call(
                TopologyServiceGrpc.RESUME_TOPOLOGY, ResumeTopologyRequest.newBuilder().setName(name).build());
        return TopologyInfo.of(response.getTopology(), response.getPosition(), List.of());
    }

    /** Forgets state and positions of a paused topology, which begins anew when it is resumed. TopologyNotPausedException. */
    public TopologyInfo resetTopology(String name) {
        return reset(ResetTopologyRequest.newBuilder().setName(name));
    }

    /** As resetTopology(name). etag: must be the present one, unless it is empty; start: where every source begins this time. */
    public TopologyInfo resetTopology(String name, String etag, Start start) {
        return reset(ResetTopologyRequest.newBuilder().setName(name).setEtag(etag).setStart(start.message));
    }

    private TopologyInfo reset(ResetTopologyRequest.Builder request) {
        ResetTopologyResponse response = connection.once(TopologyServiceGrpc.RESET_TOPOLOGY, request.build());
        return TopologyInfo.of(response.getTopology(), response.getPosition(), List.of());
    }

    /** Has dead letters processed again, each once, by the tasks that failed on them. */
    public Replay replayDeadLetters(String topology, Consumer<ReplayOptions> options) {
        ReplayDeadLettersResponse response = connection.once(
                TopologyServiceGrpc.REPLAY_DEAD_LETTERS, configured(new ReplayOptions(), options).request.setTopology(topology).build());
        return new Replay(response.getReplayed(), response.getReplayedBefore(), response.getImpossible());
    }

    /** The plan of a registered topology as text; with source also the generated Python. */
    public String explain(String name, boolean source) {
        return explain(ExplainTopologyRequest.newBuilder().setName(name).setSource(source));
    }

    /** The plan of a definition, which is checked and not registered. */
    public String explain(Topology topology, boolean source) {
        return explain(ExplainTopologyRequest.newBuilder().setTopology(topology.message()).setSource(source));
    }

    private String explain(ExplainTopologyRequest.Builder request) {
        return connection.call(TopologyServiceGrpc.EXPLAIN_TOPOLOGY, request.build()).getText();
    }

    // appends

    /** Writes one row, a map by column name or a record. It may give ROWTIME. A call whose outcome is unknown is not repeated. */
    public Appended append(String relation, Map<String, ?> row) {
        return append(relation, List.of(row));
    }

    /** Writes one batch of rows, maps by column name or records, all or nothing. A call whose outcome is unknown is not repeated. */
    public Appended append(String relation, List<?> rows) {
        return append(relation, rows, o -> { });
    }

    /** As append(relation, rows) with settings; with producer() it is repeated. */
    public Appended append(String relation, List<?> rows, Consumer<AppendOptions> options) {
        AppendOptions how = configured(new AppendOptions(), options);
        return append(encode(relation, rows, how), how);
    }

    /** Writes records as bytes; the service checks them. */
    public Appended appendRecords(String relation, List<RawRecord> records, Consumer<AppendOptions> options) {
        RawRecords.Builder raw = RawRecords.newBuilder();
        records.forEach(record -> raw.addRecords(record.message()));
        return append(AppendBatch.newBuilder().setRelation(relation).setRecords(raw), configured(new AppendOptions(), options));
    }

    /** As appendRecords() without settings. */
    public Appended appendRecords(String relation, List<RawRecord> records) {
        return appendRecords(relation, records, o -> { });
    }

    private AppendBatch.Builder encode(String relation, List<?> rows, AppendOptions how) {
        return how.json ? Appends.json(relation, rows) : Appends.typed(known(relation), rows);
    }

    private Appended append(AppendBatch.Builder batch, AppendOptions how) {
        AppendRequest request = AppendRequest.newBuilder().setProducerId(how.producer).setBatch(how.mark(batch).setSequence(how.sequence)).build();
        return Appended.of(
                connection.call(AppendServiceGrpc.APPEND, request, !how.producer.isEmpty(), Duration.ZERO).getAck(), how.skipInvalid);
    }

    /** Opens a stream of appends to a relation. */
    public Appender appender(String relation) {
        return appender(relation, o -> { });
    }

    /** Opens a stream of appends. A producer() of your own lets a new process go on after lastSequence(). */
    public Appender appender(String relation, Consumer<AppendOptions> options) {
        AppendOptions how = configured(new AppendOptions(), options);
        if (!how.json) {
            known(relation); // a mistake in the name is told here
        }
        return new Appender(
                connection, how.producer.isEmpty() ? UUID.randomUUID().toString() : how.producer, how, rows -> encode(relation, rows, how));
    }

    // lookups

    /** The row of a key, a {@link Key} for several key columns; null when there is none. */
    public Row get(String relation, Object key) {
        return get(relation, key, o -> { });
    }

    /** As get(relation, key) with settings. IllegalArgumentException for a windowed table. */
    public Row get(String relation, Object key, Consumer<LookupOptions> options) {
        Batch found = getWindows(relation, key, options);
        if (found.size() > 1) {
            throw new IllegalArgumentException(relation + " is windowed: use getWindows");
        }
        return found.size() == 0 ? null : found.row(0);
    }

    /** The rows of a key in a windowed table, one for each window. */
    public Batch getWindows(String relation, Object key, Consumer<LookupOptions> options) {
        LookupOptions wanted = configured(new LookupOptions(), options);
        GetRequest.Builder request = GetRequest.newBuilder()
                .setRelation(relation).addAllKey(Values.key(key)).addAllColumns(wanted.columns).setConsistency(wanted.consistency());
        if (wanted.windows != null) {
            request.setWindows(wanted.windows);
        }
        if (wanted.asOf != null) {
            request.setAsOf(wanted.asOf);
        }
        GetResponse response = connection.lookUp(request.build(), wanted.patience());
        return Batch.of(RowSchema.of(response.getSchema()), response.getRows(), response.getPosition().getValue(), false);
    }

    /**
     * Looks up at most 10000 keys of one table: for each its row, null when there is none. Of a windowed table a {@link Key} ends with the start of
     * its window, an Instant or milliseconds.
     */
    public List<Row> batchGet(String relation, List<?> keys, Consumer<LookupOptions> options) {
        LookupOptions wanted = configured(new LookupOptions(), options);
        BatchGetRequest.Builder request = BatchGetRequest.newBuilder()
                .setRelation(relation).setKeys(Keys.batch(known(relation), keys)).addAllColumns(wanted.columns).setConsistency(wanted.consistency());
        if (wanted.asOf != null) {
            request.setAsOf(wanted.asOf);
        }
        BatchGetResponse response = connection.call(LookupServiceGrpc.BATCH_GET, request.build(), true, wanted.patience());
        Batch found = Batch.of(RowSchema.of(response.getSchema()), response.getRows(), response.getPosition().getValue(), false);
        Decoder.check(response.getKeyIndexesCount() == found.size(), "the answer does not say which key each row has");
        Row[] out = new Row[keys.size()];
        for (int i = 0; i < found.size(); i++) {
            out[response.getKeyIndexes(i)] = found.row(i);
        }
        return Arrays.asList(out);
    }

    /** As batchGet() without settings. */
    public List<Row> batchGet(String relation, List<?> keys) {
        return batchGet(relation, keys, o -> { });
    }

    /** Reads all of a table. */
    public Scan scan(String relation) {
        return scan(relation, o -> { });
    }

    /** Reads a range or all of a table. */
    public Scan scan(String relation, Consumer<ScanOptions> options) {
        ScanOptions wanted = configured(new ScanOptions(), options);
        return new Scan(connection, wanted.request.setRelation(relation).setConsistency(wanted.consistency()).build());
    }

    // subscriptions and SQL

    /** Pushes the rows of a relation: a table's present rows and then its changes, or what comes to a stream from now on. */
    public Subscription subscribe(String relation) {
        return subscribe(relation, o -> { });
    }

    /** As subscribe(relation) with settings. */
    public Subscription subscribe(String relation, Consumer<SubscribeOptions> options) {
        var request = configured(new SubscribeOptions(), options).request.setRelation(relation).build();
        return new Subscription(connection, true, state -> {
            var next = request.toBuilder().setLimit(state.left(request.getLimit()));
            if (!state.position().isEmpty()) {
                next.setStart(Start.after(state.position()).message);
            }
            return StreamCall.open(connection.nodes, SubscriptionServiceGrpc.SUBSCRIBE, next.build());
        }, message -> ((SubscribeResponse) message).getEvent());
    }

    /** Runs one SELECT or PRINT. A pull query ends by itself; a push query, which has EMIT CHANGES, goes on over broken connections. */
    public Subscription query(String sql) {
        return query(sql, o -> { });
    }

    /** As query(sql) with settings. */
    public Subscription query(String sql, Consumer<QueryOptions> options) {
        QueryOptions wanted = configured(new QueryOptions(), options);
        var request = wanted.request.setSql(sql).setConsistency(wanted.consistency()).build();
        boolean push = EMITS.matcher(NOT_CODE.matcher(sql).replaceAll(" ")).find();
        return new Subscription(connection, push, state -> {
            var next = request.toBuilder().setSession(session.message()).addAllPositions(session.positions()).setLimit(state.left(request.getLimit()));
            if (push && !state.position().isEmpty()) {
                next.getResumeBuilder().setValue(state.position());
            }
            return StreamCall.open(connection.nodes, SqlServiceGrpc.QUERY, next.build());
        }, message -> ((QueryResponse) message).getEvent());
    }

    /** Runs a script of SQL statements. The first error ends it; earlier statements stay done. SET and DEFINE hold for later calls of this client. */
    public List<Result> execute(String sql) {
        return execute(sql, o -> { });
    }

    /** As execute(sql) with settings. */
    public List<Result> execute(String sql, Consumer<ScriptOptions> options) {
        List<Result> out = new ArrayList<>();
        execute(sql, options, out::add);
        return out;
    }

    /** As execute(sql), giving each result as soon as it is there, those before an error too. */
    public void execute(String sql, Consumer<ScriptOptions> options, Consumer<Result> results) {
        var request = configured(new ScriptOptions(), options).request
                .setSql(sql).setSession(session.message()).addAllPositions(session.positions()).build();
        try (var call = StreamCall.open(connection.nodes, SqlServiceGrpc.EXECUTE, request)) {
            connection.own(call);
            try {
                for (ExecuteResponse response = call.next(); response != null; response = call.next()) {
                    if (response.hasError()) {
                        throw Failures.of(response.getError());
                    }
                    session.follow(response);
                    Result result = Result.of(response);
                    if (result.relation() != null) {
                        known.remove(result.relation().name());
                    }
                    results.accept(result);
                }
            } catch (PenstockException failed) {
                throw connection.closed() ? new ClosedException() : failed;
            } finally {
                connection.forget(call);
            }
        }
    }

    // the service

    /** Describes the service and its nodes. */
    public Cluster cluster() {
        return Cluster.of(connection.call(ClusterServiceGrpc.DESCRIBE_CLUSTER, DescribeClusterRequest.getDefaultInstance()));
    }

    /** The tasks with their states, of one topology or, if it is empty, of all. */
    public List<Task> tasks(String topology) {
        ListTasksRequest request = ListTasksRequest.newBuilder().setTopology(topology).build();
        return connection.call(ClusterServiceGrpc.LIST_TASKS, request).getTasksList().stream().map(Task::of).toList();
    }

    /** Takes a node out of the service: its tasks and clients go to others, then its processes end. UnknownServiceNodeException. */
    public void drainNode(String node) {
        connection.call(ClusterServiceGrpc.DRAIN_NODE, DrainNodeRequest.newBuilder().setNode(node).build());
    }

    /** What is registered, as a file that restoreRegistry() takes. */
    public byte[] backupRegistry() {
        return Backups.save(connection);
    }

    /** Brings a backup back into an empty registry. RegistryNotEmptyException. */
    public Restored restoreRegistry(byte[] backup) {
        return restoreRegistry(backup, o -> { });
    }

    /** As restoreRegistry(backup) with settings. */
    public Restored restoreRegistry(byte[] backup, Consumer<RestoreOptions> options) {
        Restored done = Backups.restore(connection, backup, configured(new RestoreOptions(), options).message.build());
        known.clear();
        return done;
    }

    private static <T> T configured(T options, Consumer<? super T> configure) {
        configure.accept(options);
        return options;
    }
}
