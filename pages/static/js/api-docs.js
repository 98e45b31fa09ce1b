// Swagger UI on the description that FastAPI makes.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#api-docs", deepLinking: true, validatorUrl: null });
